/** What the functions of a job counted, on one line. */

/** What late records are counted as, by Flink's name. */
const LATE = 'numLateRecordsDropped';

/** `3,588,000 late records dropped (numLateRecordsDropped), invalid 12`: those that are not zero; empty where none is. */
export function countersText(counters: Readonly<Record<string, number>>): string {
  const { [LATE]: late = 0, ...others } = counters;
  const texts = Object.entries(others)
    .filter(([, count]) => count !== 0)
    .map(([name, count]) => `${name} ${numberText(count)}`);
  const lateText = `${numberText(late)} late record${late === 1 ? '' : 's'} dropped (${LATE})`;
  return (late === 0 ? texts : [lateText, ...texts]).join(', ');
}

function numberText(count: number): string {
  return count.toLocaleString('en-US');
}
