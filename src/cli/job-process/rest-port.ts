/** The port of a job's REST API, where it cannot be had: a mistake on the command line, not a failure of the job. */
import { createServer } from 'node:net';
import { errnoOf } from '../../storage/index.ts';
import { InvalidJobError } from '../../stream/index.ts';

/** Where a job is to be served. Port 0 takes a free one. */
export interface RestAddress {
  readonly host: string;
  readonly port: number;
}

/** The error for a port that the system refused, or the error itself when it was refused for another reason. */
export function restPortError(error: unknown, { host, port }: RestAddress): unknown {
  const why = WHY[errnoOf(error) ?? ''];
  if (why === undefined) return error;
  return new InvalidJobError(
    'REST_PORT_UNAVAILABLE',
    `--rest-port ${port} cannot be used on ${host}: ${why} (${errnoOf(error)}).`,
    { cause: error },
  );
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

const WHY: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another process listens there. Name another port, or 0 for a free one',
  EACCES: 'permission is denied. Name a port above 1023, or 0 for a free one',
};
