/** Runs an act for each, a few at a time, so that requests of people get their turn in between. A failure stops none of the others. */
export async function fewAtATime<T>(items: readonly T[], act: (item: T) => Promise<unknown>): Promise<void> {
  const waiting = items.values();
  const worker = async () => {
    for (const item of waiting) await act(item).catch(() => {});
  };
  await Promise.all(Array.from({ length: lanes }, worker));
}

const lanes = 8;
