/**
 * `voidvm completion bash|zsh|fish`: a short script that asks `voidvm __complete` for what may come next, so that all three
 * shells know what the program knows, names of machines included.
 */
import { Argument, type Command } from "commander";
import { Context } from "../context.ts";
import { t } from "../language.ts";
import { readProfiles } from "../profiles.ts";

const scripts = {
  bash: `# voidvm completion bash > ~/.local/share/bash-completion/completions/voidvm
_voidvm() {
  local IFS=$'\\n'
  COMPREPLY=($(voidvm __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _voidvm voidvm
`,
  zsh: `#compdef voidvm
# voidvm completion zsh > "\${fpath[1]}/_voidvm"
_voidvm() {
  local -a candidates
  local line
  for line in "\${(@f)$(voidvm __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}"; do
    [[ -n $line ]] && candidates+=("\${\${line//:/\\\\:}/$'\\t'/:}")
  done
  if (( $#candidates )); then _describe voidvm candidates; else _files; fi
}
if [[ $funcstack[1] == _voidvm ]]; then _voidvm "$@"; else compdef _voidvm voidvm; fi
`,
  fish: `# voidvm completion fish > ~/.config/fish/completions/voidvm.fish
complete -c voidvm -f -a '(voidvm __complete -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null)'
`,
} as const;

interface Candidate {
  readonly word: string;
  readonly about?: string;
}

/** A shell must not wait longer for names than its user does. */
const lookupMs = 2_000;
/** What else a server may call things is not put into a command line. */
const plain = /^[\w.@:+=/-]+$/;

export function addCompletionCommand(program: Command): void {
  program
    .command("completion")
    .description(t("print a script that completes commands and names", "输出命令补全脚本"))
    .addArgument(new Argument("<shell>").choices(Object.keys(scripts)))
    .action((shell: keyof typeof scripts) => void process.stdout.write(scripts[shell]));
  program
    .command("__complete [words...]", { hidden: true })
    .passThroughOptions()
    .allowUnknownOption()
    .action(async (words: string[]) => {
      const found = (await candidates(program, words)).filter(({ word }) => plain.test(word));
      process.stdout.write(found.map(({ word, about = "" }) => `${word}\t${about}\n`).join(""));
      // A lookup may still be under way.
      process.exit(0);
    });
}

/** What the last word may become. */
export async function candidates(program: Command, words: readonly string[]): Promise<Candidate[]> {
  const begun = words.at(-1) ?? "";
  let command = program;
  let place = 0;
  let awaited: string | null = null;
  for (const word of words.slice(0, -1)) {
    if (awaited !== null) {
      awaited = null;
    } else if (word.startsWith("-")) {
      const option = optionsOf(command).find(({ long, short }) => long === word || short === word);
      awaited = option?.required ? (option.long ?? "") : null;
    } else {
      const next = command.commands.find((one) => one.name() === word);
      if (next) command = next;
      else place++;
    }
  }
  const all = await possible(command, begun, place, awaited);
  return all.filter(({ word }) => word.startsWith(begun));
}

async function possible(command: Command, begun: string, place: number, awaited: string | null): Promise<Candidate[]> {
  if (awaited !== null) return awaited === "--profile" ? namesOf("profile") : [];
  if (begun.startsWith("-")) {
    return optionsOf(command).map(({ long, description }) => ({ word: long ?? "", about: description }));
  }
  if (command.commands.length > 0) {
    const visible = command.commands.filter((one) => !one.name().startsWith("__"));
    return visible.map((one) => ({ word: one.name(), about: one.description() }));
  }
  const { registeredArguments: known } = command;
  const argument = known[place] ?? (known.at(-1)?.variadic ? known.at(-1) : undefined);
  if (!argument) return [];
  if (argument.argChoices) return argument.argChoices.map((word) => ({ word }));
  // ssh's own arguments have its destination among them.
  return namesOf(command.name() === "ssh" ? "vm" : argument.name());
}

function optionsOf(command: Command) {
  return command.options.filter(({ hidden }) => !hidden);
}

/** None where the server can't be asked in time. */
async function namesOf(what: string): Promise<Candidate[]> {
  const context = new Context({ quiet: true });
  const client = () => context.client();
  const call = { signal: AbortSignal.timeout(lookupMs) };
  const lookups: Readonly<Record<string, () => Promise<Candidate[]>>> = {
    vm: async () => (await client()).vms.list({ limit: 100 }, call).then(named),
    host: async () => (await client()).hosts.list({ limit: 100 }, call).then(named),
    image: async () =>
      (await (await client()).images.list({ limit: 100 }, call)).map(({ id, name }) => ({ word: id, about: name })),
    operation: async () =>
      (await (await client()).operations.list({ limit: 20 }, call)).map(({ id, kind }) => ({ word: id, about: kind })),
    profile: async () => Object.keys((await readProfiles()).profiles).map((word) => ({ word })),
  };
  return (await lookups[what]?.().catch(() => [])) ?? [];
}

function named(
  entries: readonly { readonly id: string; readonly name: string; readonly status: string }[],
): Candidate[] {
  return entries.map(({ name, status }) => ({ word: name, about: status }));
}
