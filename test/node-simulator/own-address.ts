/**
 * Loaded into the process of a pod before its program: gives it an address of its own. Containers listen at all addresses of
 * their pod; here all pods share one machine, and each has one address of the loopback network. So several of them can listen
 * at the same port, and the manifest of a pod need not be changed for it.
 */
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

/** A pod does not outlive its node, however that ended. */
const node = process.ppid;
setInterval(() => process.ppid === node || process.kill(process.pid, 'SIGKILL'), 1_000).unref();
