import { randomBytes } from 'node:crypto';

/** A name that nothing else on a shared server has. */
export const newId = (): string => randomBytes(8).toString('hex');
