/**
 * `voidvm-agent`, where it is installed as one file: what people ask of it. `installer/voidvm-agent` stands before it,
 * becomes the agent's user, and does itself what needs root.
 */
import { text } from "node:stream/consumers";
import { parseArgs } from "node:util";
import { doctor } from "./commands/doctor.ts";
import { enrolHost } from "./commands/enrol.ts";
import { status } from "./commands/status.ts";
import { HostPaths } from "./paths.ts";
import { readSettings } from "./settings.ts";
import { askRunningAgent } from "./status-socket.ts";
import { builderCommand, runBuilder } from "./tiny-image/build-apart.ts";
import { agentVersion } from "./version.ts";

const usage = `usage: voidvm-agent COMMAND

  status [--json]   whether it is connected, and what it does
  doctor [--json]   what is wrong on this host, and how to mend it
  enrol --edge URL [--again]
                    makes this machine a host; the token comes by standard input
  update            asks the edge for its version of the agent, and becomes it
  version           which version is installed
  run               the agent itself, as the service starts it
  uninstall [--delete-machines]
                    removes the agent, and the machines only if told to`;

async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      edge: { type: "string" },
      again: { type: "boolean", default: false },
      json: { type: "boolean", default: false },
      help: { type: "boolean", short: "h", default: false },
    },
  });
  const [command = "run"] = positionals;
  if (values.help || command === "help") return say(usage);
  if (command === "version") return say(await agentVersion());
  if (command === "run") {
    await import("./main.ts");
    return 0;
  }
  // Not for people: the agent starts it.
  if (command === builderCommand) return runBuilder(positionals.slice(1));

  const settings = readSettings(process.env);
  const paths = new HostPaths(settings.home);
  switch (command) {
    case "status":
      return status(paths, values.json);
    case "doctor":
      return doctor(paths, settings, values.json);
    case "update":
      return say((await askRunningAgent(paths, "update")).message);
    case "enrol": {
      if (values.edge === undefined) throw new Error("Where? Say --edge https://…");
      if (process.stdin.isTTY) console.error("The token, then Ctrl-D:");
      const token = (await text(process.stdin)).trim();
      return say(await enrolHost(paths, { edge: values.edge, token, again: values.again }));
    }
    default:
      console.error(`There is no command '${command}'.\n\n${usage}`);
      return 2;
  }
}

function say(text: string): 0 {
  console.log(text);
  return 0;
}

main().then(
  // `run` goes on by itself.
  (code) => (process.exitCode = code),
  (error: Error) => {
    console.error(`voidvm-agent: ${error.message}`);
    process.exitCode = 1;
  },
);
