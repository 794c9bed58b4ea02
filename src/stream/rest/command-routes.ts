/** The routes that change something: savepoints, checkpoints, stop and cancel. Answers come before the work is done. */
import { HEX_ID } from '../../flink/index.ts';
import type { JobView, SavepointCommand } from './job-view.ts';
import type { OperationKind } from './operations.ts';
import { accepted, ok, type Reply, type Route, type RouteRequest } from './reply.ts';
import { checkFields, type Fields } from './request-body.ts';
import { RestError } from './rest-error.ts';

/** The rows of the route table. */
export const COMMAND_ROUTES: readonly Route[] = [
  { method: 'POST', path: '/jobs/:jobid/savepoints', scope: 'job', handle: triggerSavepoint },
  { method: 'GET', path: '/jobs/:jobid/savepoints/:triggerid', scope: 'job', handle: outcomeOf('savepoint') },
  { method: 'POST', path: '/jobs/:jobid/stop', scope: 'job', handle: stopWithSavepoint },
  { method: 'POST', path: '/jobs/:jobid/checkpoints', scope: 'job', handle: triggerCheckpoint },
  { method: 'GET', path: '/jobs/:jobid/checkpoints/:triggerid', scope: 'job', handle: outcomeOf('checkpoint') },
  { method: 'PATCH', path: '/jobs/:jobid', scope: 'job', handle: terminate },
];

const FORMATS = ['CANONICAL', 'NATIVE'] as const;

function triggerSavepoint({ fields, operations, control }: RouteRequest): Reply {
  checkFields(fields, {
    'target-directory': 'string',
    'cancel-job': 'boolean',
    formatType: FORMATS,
    triggerId: 'triggerId',
  });
  const command = savepointCommand(fields, 'target-directory');
  const cancels = fields.get('cancel-job') === true;
  const carryOut = () => (cancels ? control.cancelWithSavepoint(command) : control.triggerSavepoint(command));
  return begun(operations.begin('savepoint', text(fields, 'triggerId'), carryOut));
}

function stopWithSavepoint({ fields, operations, control }: RouteRequest): Reply {
  checkFields(fields, { targetDirectory: 'string', drain: 'boolean', formatType: FORMATS, triggerId: 'triggerId' });
  const command = { ...savepointCommand(fields, 'targetDirectory'), drain: fields.get('drain') === true };
  return begun(operations.begin('savepoint', text(fields, 'triggerId'), () => control.stopWithSavepoint(command)));
}

function triggerCheckpoint({ fields, operations, control }: RouteRequest): Reply {
  // All our checkpoints are of one type, so each of Flink's three is honoured.
  checkFields(fields, { checkpointType: ['CONFIGURED', 'FULL', 'INCREMENTAL'], triggerId: 'triggerId' });
  return begun(operations.begin('checkpoint', text(fields, 'triggerId'), () => control.triggerCheckpoint()));
}

function outcomeOf(kind: OperationKind) {
  return ({ params, operations }: RouteRequest): Reply => {
    const { triggerid = '' } = params;
    if (!HEX_ID.test(triggerid)) {
      throw new RestError(400, `Cannot resolve path parameter (triggerid) from value "${triggerid}".`);
    }
    const result = operations.read(kind, triggerid);
    if (result === undefined) throw new RestError(404, `Operation not found under key: ${triggerid}`);
    return ok(result);
  };
}

async function terminate({ query, control }: RouteRequest, job: JobView): Promise<Reply> {
  const mode = query.get('mode') ?? 'cancel';
  if (mode !== 'cancel') {
    throw new RestError(
      400,
      `Termination mode "${mode}" is not offered; use "cancel", or POST /jobs/${job.jobId}/stop.`,
    );
  }
  if (job.state === 'FINISHED' || job.state === 'FAILED') {
    throw new RestError(409, `Job ${job.jobId} has ended (${job.state}) and cannot be cancelled.`);
  }
  if (job.state !== 'CANCELED') await control.cancel();
  return accepted({});
}

function begun(requestId: string): Reply {
  return accepted({ 'request-id': requestId });
}

function savepointCommand(fields: Fields, directoryField: string): SavepointCommand {
  const targetDirectory = text(fields, directoryField);
  return {
    formatType: fields.get('formatType') === 'NATIVE' ? 'NATIVE' : 'CANONICAL',
    ...(targetDirectory === undefined ? {} : { targetDirectory }),
  };
}

function text(fields: Fields, name: string): string | undefined {
  const value = fields.get(name);
  return typeof value === 'string' ? value : undefined;
}
