/** `flinkjob operator`, from its configuration to its exit code. */
import { OperatorConfigError, type ReadConfig, readOperatorConfig } from '../../config/index.ts';
import { systemClock } from '../../lib/clock.ts';
import { FlinkJobError, messageOf } from '../../lib/errors.ts';
import type { Logger } from '../../lib/logger.ts';
import { jsonLogger } from '../../observability/index.ts';
import { type CliIo, EXIT } from '../command.ts';
import { stopSignal } from '../run/stop-signal.ts';
import { runOperator } from './operator-process.ts';

/** What the command line said. */
export interface OperatorOrder {
  /** Values of flags by the key of their setting. */
  readonly flags: Readonly<Record<string, string>>;
  readonly file?: string;
  readonly version: string;
  readonly io: CliIo;
}

/** Runs an operator until it is told to stop, or cannot go on. Ends the process: nothing that hangs keeps it. */
export async function runOperatorCommand(order: OperatorOrder): Promise<number> {
  const { flags, file, io, version } = order;
  let read: ReadConfig;
  try {
    read = await readOperatorConfig({ flags, environment: io.env, ...(file !== undefined && { file }) });
  } catch (error) {
    if (!(error instanceof OperatorConfigError)) throw error;
    io.stderr.write(`error: ${error.message}\n`);
    return EXIT.usage;
  }
  const log = jsonLogger({ to: io.stdout, level: read.config.logLevel });
  log.info('the operator begins', { version, node: process.versions.node, configuration: read.effective });
  const exit = (code: number): never => process.exit(code);
  for (const surprise of ['uncaughtException', 'unhandledRejection'] as const) {
    process.once(surprise, (error: unknown) => {
      tellEnd(log, error);
      exit(EXIT.failed);
    });
  }
  const signals = stopSignal(process, systemClock);
  try {
    const end = await runOperator({
      ...read,
      version,
      log,
      environment: io.env,
      stop: signals.signal,
      now: signals.kill,
    });
    log.info(end === 'stopped' ? 'the operator has ended' : 'the operator was ended at once', {});
    return exit(end === 'stopped' ? EXIT.ok : EXIT.interrupted);
  } catch (error) {
    tellEnd(log, error);
    return exit(EXIT.failed);
  }
}

/** One line; a stack only for what nobody throws on purpose. */
function tellEnd(log: Logger, error: unknown): void {
  if (error instanceof FlinkJobError) log.error('the operator ends', { code: error.code, cause: messageOf(error) });
  else log.error('the operator ends of an error that nobody expected', { error });
}
