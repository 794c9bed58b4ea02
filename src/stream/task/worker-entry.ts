/** What a worker thread runs. */
import { parentPort, workerData } from 'node:worker_threads';
import { TaskWorker } from './task-worker.ts';
import type { WorkerData } from './worker-protocol.ts';

if (parentPort !== null) void new TaskWorker(parentPort, workerData as WorkerData).run();
