/** What the agent tells the process that started it, where that process opened a channel: `npm start` shows it. */
export type ParentMessage =
  | { readonly type: "ready" }
  | { readonly type: "image"; readonly percent: number; readonly message: string };

export function tellParent(message: ParentMessage): void {
  if (process.connected) process.send?.(message);
}
