/** What a worker thread of the soak test runs: the product's worker, with a point at which it kills the process. */
import { parentPort, workerData } from 'node:worker_threads';
import { TaskWorker } from '../../src/stream/task/task-worker.ts';
import type { WorkerData } from '../../src/stream/task/worker-protocol.ts';
import { faultsFromEnvironment } from './crash-point.ts';

if (parentPort !== null) void new TaskWorker(parentPort, workerData as WorkerData, faultsFromEnvironment()).run();
