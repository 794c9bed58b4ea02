/** Controllers: copies of what the server has, keys to be worked on, and who works on them. */
export type { Handler } from './handlers.ts';
export { byLabel, byOwnerUid, controllerOf, labelValue } from './indexes.ts';
export { Informer, type InformerOptions } from './informer.ts';
export { keyOf, type ObjectKey, refOf } from './object-key.ts';
export type { IndexValues, StoreReader } from './store.ts';
