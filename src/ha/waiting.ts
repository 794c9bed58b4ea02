export { waitFor } from '../lib/waiting.ts';
