/**
 * The node simulator in a process of its own, so that what it costs is nobody else's: plays the pods of the jobs of a namespace
 * and counts what their REST API is asked. Told by its parent over IPC; ends with it.
 */
import type { ClusterAccess } from '../../test/cluster/index.ts';
import { NodeSimulator, type Pod, playedJobs } from '../../test/node-simulator/index.ts';

/** What the parent says first. */
export interface SimulatorOrder {
  readonly access: ClusterAccess;
  readonly namespace: string;
}

/** What it says then. */
export type SimulatorQuestion = 'restCalls' | 'stop';

/** What it is told. */
export type SimulatorAnswer =
  | { readonly is: 'ready' | 'stopped' }
  | { readonly is: 'restCalls'; readonly count: number };

let restCalls = 0;
const tell = (answer: SimulatorAnswer): void => void process.send?.(answer);

/** Jobs that are played, each question counted. */
function countedJobs() {
  const played = playedJobs();
  return (pod: Pod) => {
    const play = played(pod);
    if (typeof play !== 'function') return play;
    return (place: Parameters<typeof play>[0]) => {
      const { answer, ...facts } = play(place);
      if (answer === undefined) return facts;
      const counted: typeof answer = (request, response) => {
        restCalls += 1;
        return answer(request, response);
      };
      return { ...facts, answer: counted };
    };
  };
}

process.once('message', async ({ access, namespace }: SimulatorOrder) => {
  const simulator = await NodeSimulator.start({ access, namespaces: [namespace], played: countedJobs() });
  process.on('message', async (question: SimulatorQuestion) => {
    if (question === 'restCalls') return tell({ is: 'restCalls', count: restCalls });
    // What went wrong in it at the end is of no interest: its jobs are gone.
    await simulator.stop().catch((error: unknown) => console.error(String(error)));
    tell({ is: 'stopped' });
    process.disconnect();
  });
  tell({ is: 'ready' });
});
