/** The REST server of a job process, in Flink's shapes. See README.md. */
export {
  type DoorLimits,
  type DoorOptions,
  httpUrl,
  NOBODY_LEADS,
  type OpenDoor,
  openDoor,
  type RequestHandler,
  type RestDoor,
} from './door.ts';
export type {
  CheckpointConfigView,
  CheckpointsView,
  CheckpointView,
  ExceptionView,
  JobControl,
  JobView,
  OperatorView,
  RestoredView,
  RestorePointView,
  SavepointCommand,
  Serving,
  StateQueryCommand,
  SubtaskAckView,
  SubtaskView,
  VertexInputView,
  VertexView,
} from './job-view.ts';
export { type JsonValue, jsonValue } from './json-value.ts';
export type { ProductInfo } from './reply.ts';
export { RestError } from './rest-error.ts';
export { type RestService, type RestServiceOptions, restService, sendReply } from './service.ts';
