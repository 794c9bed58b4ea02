/**
 * Loaded into the process of a pod before its program, in place of what a container runtime does with namespaces.
 *
 * An address: containers listen at all addresses of their pod; here all pods share one machine, and each has one address of
 * the loopback network. So several of them can listen at the same port, and the manifest of a pod is not changed for it.
 *
 * The files of its service account: programs read them at one well-known place, and that is where each finds its own.
 */
import promises from 'node:fs/promises';
import { syncBuiltinESMExports } from 'node:module';
import { Server } from 'node:net';

const EVERYWHERE = '0.0.0.0';
const address = process.env['SIMULATED_POD_IP'] ?? '127.0.0.1';

const listen = Server.prototype.listen;
Server.prototype.listen = function (this: Server, ...given: unknown[]): Server {
  const here = (value: unknown): unknown => {
    if (value === EVERYWHERE) return address;
    if (typeof value !== 'object' || value === null) return value;
    return (value as { host?: unknown }).host === EVERYWHERE ? { ...value, host: address } : value;
  };
  return Reflect.apply(listen, this, given.map(here)) as Server;
};

const ACCOUNT = '/var/run/secrets/kubernetes.io/serviceaccount/';
const ownAccount = process.env['SIMULATED_SERVICE_ACCOUNT'];

if (ownAccount !== undefined) {
  const readFile = promises.readFile;
  const readOwn = (path: unknown, ...more: unknown[]): unknown => {
    const own = typeof path === 'string' && path.startsWith(ACCOUNT) ? path.replace(ACCOUNT, `${ownAccount}/`) : path;
    return Reflect.apply(readFile, promises, [own, ...more]);
  };
  promises.readFile = readOwn as typeof readFile;
  syncBuiltinESMExports();
}

/** A pod does not outlive its node, however that ended. */
const node = process.ppid;
setInterval(() => process.ppid === node || process.kill(process.pid, 'SIGKILL'), 1_000).unref();
