/** Median and spread of a series. Figures of two ways are compared as ratios of what one run measured in turn. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}

export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/** How long `act` takes, in ms, and what it gives. */
export async function timed<T>(act: () => Promise<T>): Promise<[ms: number, result: T]> {
  const startedAt = performance.now();
  const result = await act();
  return [performance.now() - startedAt, result];
}

export function ms(value: number): string {
  return `${value.toFixed(1)} ms`;
}
