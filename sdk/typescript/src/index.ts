/** VoidVM from TypeScript and JavaScript: Node 20 and newer, browsers, Workers, Deno and Bun. */
export type { ByteStream, ByteStreamEvents, StreamCommand } from "./byte-stream.ts";
export { type EventOptions, VoidVMClient } from "./client.ts";
export { type ClientErrorCode, type ErrorCode, VoidVMError } from "./errors.ts";
export { etagOf } from "./http.ts";
export type { CallOptions, ClientOptions, Retry, SocketConstructor, SocketLike, WaitOptions } from "./options.ts";
export type { Page } from "./page.ts";
export type { MonitorOptions } from "./resources/system.ts";
export type { SerialOptions, StreamOptions, VmOperation } from "./resources/vms.ts";
export type { SubscribeOptions, Update } from "./subscribe.ts";
export type {
  ApiErrorCode,
  AuditEntry,
  Config,
  Host,
  HostSample,
  Image,
  LogEntry,
  Login,
  Me,
  Operation,
  OperationErrorCode,
  OperationKind,
  OperationStatus,
  Pagination,
  Permission,
  SystemEvent,
  SystemInfo,
  SystemStats,
  StreamErrorCode,
  Token,
  Topic,
  User,
  Vm,
  VmCreate,
  VmSample,
  VmStatus,
  VmStatusMessage,
  VmUpdate,
} from "./generated.ts";
