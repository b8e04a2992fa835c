/** `voidvm forward`, `tunnel`, `ssh`, `ssh-config`: from here to ports of machines, behind any NAT. */
import { createServer, type Socket } from "node:net";
import type { Command } from "commander";
import type { VoidVMClient } from "../../sdk/typescript/src/index.ts";
import { addTargetOptions, declare, does, wholeNumber } from "../command.ts";
import type { Context } from "../context.ts";
import { UserError } from "../exit-codes.ts";
import { t } from "../language.ts";
import { printError } from "../output/error-text.ts";
import { runSsh, sshConfig } from "../ssh.ts";
import { join } from "../terminal/join.ts";

interface Forward {
  readonly address: string;
  /** 0 is any that is free. */
  readonly local: number;
  readonly remote: number;
}

export function addNetworkCommands(program: Command): void {
  declare(
    program,
    "forward <vm> <[address:]port:port...>",
    t("let local ports lead to a machine's: forward web-1 8080:80", "本地端口转发到虚拟机：forward web-1 8080:80"),
    async (context, _, name: string, ports: string[]) => {
      const forwards = ports.map(parseForward);
      const client = await context.socketClient();
      const { id } = await client.vms.get(name, { signal: context.signal });
      await Promise.all(forwards.map((forward) => listen(context, client, id, forward)));
    },
  );

  declare(
    program,
    "tunnel <vm> <port>",
    t("join stdin and stdout to a port of a machine", "将标准输入输出连接到虚拟机端口"),
    async (context, _, name: string, port: string) => {
      const client = await context.socketClient();
      const stream = await client.vms.tunnel(name, wholeNumber(port), { signal: context.signal });
      await join(stream, process.stdin, process.stdout);
      // stdin would keep the process.
      process.exit(0);
    },
  );

  declare<{ user?: string }>(
    program,
    "ssh-config [vm...]",
    t("print what ~/.ssh/config needs for ssh, scp and rsync", "输出 ~/.ssh/config 所需配置"),
    async (context, { user }, names: string[]) => {
      const client = await context.client();
      for (const name of names.length > 0 ? names : (await client.vms.list({ limit: 100 })).map((vm) => vm.name)) {
        process.stdout.write(await sshConfig(context, client, name, user));
      }
    },
  ).option("--user <name>", t("the account on it", "登录用户"));

  const about = t(
    "log in with the system's ssh and all its arguments: ssh [-L …] [user@]vm [command]",
    "使用系统 ssh 登录，可带其全部参数：ssh [-L …] [user@]vm [命令]",
  );
  // Its other options are ssh's, as -q is.
  const ssh = addTargetOptions(program.command("ssh [arguments...]").description(about));
  does(ssh.passThroughOptions().allowUnknownOption(), async (context, _, given: string[]) => {
    process.exitCode = await runSsh(context, await context.client(), given);
  });
}

/** Resolves when it is ended by Ctrl-C. */
async function listen(
  context: Context,
  client: VoidVMClient,
  id: string,
  { address, local, remote }: Forward,
): Promise<void> {
  const server = createServer({ allowHalfOpen: true }, (socket) => void connect(context, client, id, remote, socket));
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(local, address, resolve);
  });
  const { port } = server.address() as { port: number };
  context.out.done(t(`${address}:${port} leads to port ${remote}`, `${address}:${port} 转发至端口 ${remote}`), {
    address,
    port,
    remote,
  });
  try {
    await new Promise<never>((_, reject) => {
      context.signal.addEventListener("abort", () => reject(context.signal.reason as Error), { once: true });
      server.once("error", reject);
    });
  } finally {
    server.close();
  }
}

async function connect(
  context: Context,
  client: VoidVMClient,
  id: string,
  port: number,
  socket: Socket,
): Promise<void> {
  // It is paused until the machine is reached, and its end is seen by the pipeline.
  socket.on("error", () => {});
  try {
    await join(await client.vms.tunnel(id, port, { signal: context.signal }), socket, socket);
  } catch (error) {
    if (!context.signal.aborted) printError(error, context.out.json);
  } finally {
    socket.destroy();
  }
}

/** On loopback, where nothing else is said. */
export function parseForward(text: string): Forward {
  const [, address = "127.0.0.1", local = "", remote = ""] = /^(?:(.+):)?(\d{1,5}):(\d{1,5})$/.exec(text) ?? [];
  const isPort = (port: string, least: number) => Number(port) >= least && Number(port) <= 65_535;
  if (remote === "" || !isPort(local, 0) || !isPort(remote, 1)) {
    throw new UserError(
      t(
        `A forward is like 8080:80 or 0.0.0.0:8080:80, not '${text}'`,
        `转发格式应如 8080:80 或 0.0.0.0:8080:80，而非 '${text}'`,
      ),
    );
  }
  return { address: address.replace(/^\[(.*)\]$/, "$1"), local: Number(local), remote: Number(remote) };
}
