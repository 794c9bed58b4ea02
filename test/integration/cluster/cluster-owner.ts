/** A process that starts a cluster, says where it is, and waits to be killed. */
import { startCluster } from '../../cluster/index.ts';

const cluster = await startCluster();
if ('unavailable' in cluster) throw new Error(cluster.unavailable);
const { folder, server } = cluster.access;
console.log(JSON.stringify({ folder, server }));
setInterval(() => {}, 60_000);
