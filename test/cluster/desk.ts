/** The desk that hands out the test cluster. */
import { deskOf } from '../servers/desk.ts';
import type { ClusterAccess } from './access.ts';
import { type RunningCluster, startCluster } from './start.ts';

/** `controllerManager` is a cluster too, with what it adds. */
type Wanted = 'cluster' | 'controllerManager';

export const { setup, ask: askForCluster } = deskOf<RunningCluster, Wanted, ClusterAccess>({
  name: 'test cluster',
  start: (say) => startCluster({ say }),
  hand: async (cluster, wanted) => {
    if (wanted === 'controllerManager') await cluster.startControllerManager();
    return cluster.access;
  },
});
