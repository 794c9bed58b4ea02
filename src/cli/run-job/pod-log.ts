/** What the process of a pod tells, as log lines. */
import { assertNever } from '../../lib/assert-never.ts';
import type { Logger } from '../../lib/logger.ts';
import type { JobEvent } from '../../stream/index.ts';
import type { FromJobProcess } from '../job-process/messages.ts';

/** Writes every message to a log; the epoch is on each line from when the process leads. */
export function podLog(log: Logger): (message: FromJobProcess) => void {
  let current = log;
  return (message) => {
    switch (message.type) {
      case 'leading':
        current = log.with({ epoch: message.epoch });
        current.info('leads the job');
        break;
      case 'serving':
        current.info('serves the REST API', { url: message.url });
        break;
      case 'event':
        logEvent(current, message.event);
        break;
      case 'log':
        current[message.level](message.message, message.facts);
        break;
      default:
        assertNever(message);
    }
  };
}

function logEvent(log: Logger, { event, ...facts }: JobEvent): void {
  switch (event) {
    case 'restoring':
      log.info('restores a checkpoint', facts);
      break;
    case 'running':
      log.info('all subtasks run', facts);
      break;
    case 'checkpointCompleted':
      log.info('completed a checkpoint', facts);
      break;
    case 'checkpointFailed':
      log.warn('a checkpoint failed', facts);
      break;
    // Metrics show it; a line every second does not.
    case 'progress':
      break;
    default:
      assertNever(event);
  }
}
