/** Starts a ZooKeeper server that lives as long as this process, at most. */
import { join } from 'node:path';
import { startKept, type Unavailable } from '../servers/keeper-process.ts';
import { type ArtifactFacts, findArtifacts } from './artifacts.ts';
import type { Wish } from './keeper.ts';

export interface RunningServer {
  readonly port: number;
  /** From the call to a server that serves; what had to be fetched is not in it. */
  readonly startedInMs: number;
  /** Ends it and removes what it wrote. It also ends with this process, however that ends. */
  stop(): Promise<void>;
}

/** So that a session may last as little as two of them. */
const TICK_MS = 100;

/** `unavailable` says why this machine can have none. Throws when it does not start. */
export async function startZooKeeper(facts: ArtifactFacts = {}): Promise<RunningServer | Unavailable> {
  const artifacts = await findArtifacts(facts);
  if (!artifacts.found) return { unavailable: artifacts.reason };
  const { started, startedInMs, keeper } = await startKept<Wish, { port: number }>({
    name: 'test ZooKeeper',
    script: join(import.meta.dirname, 'keeper.ts'),
    prefix: 'flinkjob-zookeeper-server-',
    wish: { java: artifacts.java, classpath: artifacts.classpath, tickMs: TICK_MS },
  });
  return { port: started.port, startedInMs, stop: () => keeper.end() };
}
