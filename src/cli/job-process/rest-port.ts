/**
 * The port of a job's REST API, where it cannot be had. Before the job runs that is a mistake on the command line. Between
 * two of its processes it is nobody's mistake, and no reason to end the job.
 */
import { createServer } from 'node:net';
import { errnoOf } from '../../storage/index.ts';
import { InvalidJobError } from '../../stream/index.ts';

/** Where a job is to be served. Port 0 takes a free one. */
export interface RestAddress {
  readonly host: string;
  readonly port: number;
}

/** The error for a port that the system refused, or the error itself when it was refused for another reason. */
export function restPortError(error: unknown, address: RestAddress): unknown {
  const why = WHY[errnoOf(error) ?? ''];
  if (why === undefined) return error;
  const message = `${refusal(error, address, `${why.problem}. ${why.remedy}`)}.`;
  return new InvalidJobError('REST_PORT_UNAVAILABLE', message, { cause: error });
}

/** The line for a process that takes a free port instead; undefined when the port was refused for another reason. */
export function freePortInstead(error: unknown, address: RestAddress): string | undefined {
  const why = WHY[errnoOf(error) ?? ''];
  return why && `${refusal(error, address, why.problem)}. A free port is used instead.`;
}

function refusal(error: unknown, { host, port }: RestAddress, why: string): string {
  return `--rest-port ${port} cannot be used on ${host}: ${why} (${errnoOf(error)})`;
}

/**
 * Looks whether the port can be had now. Somebody else may still be first; the process of the job then says the same.
 * @throws InvalidJobError
 */
export async function checkRestPort(address: RestAddress): Promise<void> {
  const { host, port } = address;
  if (port === 0) return;
  const { promise, resolve, reject } = Promise.withResolvers<void>();
  const server = createServer();
  server.once('error', (error) => reject(restPortError(error, address)));
  server.listen({ host, port, exclusive: true }, () => server.close(() => resolve()));
  await promise;
}

const WHY: Readonly<Record<string, { readonly problem: string; readonly remedy: string }>> = {
  EADDRINUSE: { problem: 'another process listens there', remedy: 'Name another port, or 0 for a free one' },
  EACCES: { problem: 'permission is denied', remedy: 'Name a port above 1023, or 0 for a free one' },
};
