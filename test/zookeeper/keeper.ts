/** The process that owns a ZooKeeper server. */
import { writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { keep } from '../servers/keep.ts';
import { ServerPrograms } from '../servers/server-programs.ts';

/** The line of the parent. */
export interface Wish {
  readonly java: string;
  readonly classpath: string;
  readonly tickMs: number;
}

/** How long a server that serves takes to answer; one that is only starting may take a question and never answer it. */
const ANSWER_MS = 500;

const [, , folder] = process.argv;
if (import.meta.main && folder !== undefined) {
  const programs = new ServerPrograms(folder);
  await keep<Wish>(folder, { answer: (wish) => start(programs, wish), stop: () => programs.stop() });
}

function start(programs: ServerPrograms, wish: Wish): Promise<{ port: number }> {
  return programs.onFreePorts(1, async ([port = 0]) => {
    const child = programs.run(wish.java, javaArguments(programs.folder, wish, port));
    await programs.until([child], 'ZooKeeper', () => isServing(port));
    return { port };
  });
}

function javaArguments(folder: string, { classpath, tickMs }: Wish, port: number): string[] {
  const configuration = {
    tickTime: tickMs,
    maxSessionTimeout: 60_000,
    dataDir: join(folder, 'data'),
    clientPortAddress: '127.0.0.1',
    clientPort: port,
    maxClientCnxns: 0,
    'admin.enableServer': false,
    // A test server's data need not survive the machine.
    forceSync: 'no',
    snapCount: 1_000_000,
  };
  const file = join(folder, 'zoo.cfg');
  const lines = Object.entries(configuration).map(([key, value]) => `${key}=${value}`);
  writeFileSync(file, `${lines.join('\n')}\n`);
  const quick = ['-Xmx192m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData', '-Xshare:auto'];
  return [...quick, '-cp', classpath, 'org.apache.zookeeper.server.ZooKeeperServerMain', file];
}

/** ZooKeeper's own question after its state. */
function isServing(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    let answer = '';
    const socket = connect(port, '127.0.0.1', () => socket.write('srvr'));
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.on('data', (chunk) => {
      answer += chunk.toString();
    });
    socket.once('error', () => resolve(false));
    socket.once('close', () => resolve(answer.includes('Zookeeper version')));
  });
}
