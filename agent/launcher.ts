/** What an agent owes `installer/voidvm-agent`, which started it: to end with it, and to say when it hands over. */

/** The launcher starts what `current` leads to by then. */
export const switchVersionExitCode = 75;

const lookEveryMs = 1_000;

export const isLaunched = process.env["VOIDVM_LAUNCHED"] === "yes";

/** A launcher that was killed is followed by another, and two agents must not serve one host. */
export function onLauncherGone(act: () => void): void {
  const launcher = process.ppid;
  setInterval(() => {
    if (process.ppid !== launcher) act();
  }, lookEveryMs).unref();
}
