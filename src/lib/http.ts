/**
 * Node.js's HTTP module, for whoever needs it by value. An `import` of it loads what all its names stand for, the client
 * behind `fetch` among it: that costs every process, and every worker thread of a job, a tenth of its start. Taken like this
 * it loads what is used.
 */
export const http: typeof import('node:http') = process.getBuiltinModule('node:http');
