/** Every route's words, by its key in access.ts. */
import type { OperationDocs } from "../operation.ts";
import { agentDocs } from "./agent.ts";
import { authDocs } from "./auth.ts";
import { eventDocs } from "./events.ts";
import { hostDocs } from "./hosts.ts";
import { imageDocs } from "./images.ts";
import { operationRouteDocs } from "./operations.ts";
import { streamDocs } from "./streams.ts";
import { systemDocs } from "./system.ts";
import { userDocs } from "./users.ts";
import { vmDocs } from "./vms.ts";

export const operationDocs: OperationDocs = {
  ...authDocs,
  ...userDocs,
  ...vmDocs,
  ...streamDocs,
  ...operationRouteDocs,
  ...eventDocs,
  ...imageDocs,
  ...hostDocs,
  ...systemDocs,
  ...agentDocs,
};
