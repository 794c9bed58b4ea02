/** Controllers: copies of what the server has, keys to be worked on, and who works on them. See README.md. */

export type { ReconcileResult } from './attempt.ts';
export { type AuditOptions, type AuditRounds, audit, auditInRounds } from './audit.ts';
export { Controller, type ControllerOptions, type Reconcile, type ReconcileContext, type Term } from './controller.ts';
export { ManagerError, ReconcileTimeoutError, TerminalError } from './errors.ts';
export { type EventLoopMeter, measureEventLoop } from './event-loop.ts';
export type { Handler } from './handlers.ts';
export type { Verdict } from './health.ts';
export { byLabel, byOwnerUid, controllerOf, labelValue } from './indexes.ts';
export { Informer, type InformerOptions } from './informer.ts';
export {
  type Leadership,
  type ManagedInformer,
  Manager,
  type ManagerOptions,
  type ManagerPhase,
  type ManagerSignals,
} from './manager.ts';
export { keyOf, type ObjectKey, refOf } from './object-key.ts';
export {
  anyChange,
  anyOf,
  contentChanged,
  deletionAsked,
  generationChanged,
  intentChanged,
  markingsChanged,
  type Predicate,
} from './predicates.ts';
export { type Health, type Page, ProbeServer, type ProbeServerOptions } from './probes.ts';
export { DEFAULT_RATE_LIMITS, type RateLimits } from './rate-limiter.ts';
export type { ReconcileFailure } from './runner.ts';
export { mapped, objectsOf, ownersOf, type Source } from './sources.ts';
export type { IndexValues, StoreReader } from './store.ts';
export { TrackedClient } from './tracked-client.ts';
