/** What a handler is given and what it answers with. */
import type { JobControl, JobView } from './job-view.ts';
import type { Operations } from './operations.ts';
import type { Fields } from './request-body.ts';

/** Status, JSON body and headers of an answer. */
export interface Reply {
  readonly status: number;
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A request whose path has matched a route. */
export interface RouteRequest {
  /** Parts of the path by name, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: URLSearchParams;
  /** Empty for routes that take none. */
  readonly fields: Fields;
  readonly now: number;
  readonly control: JobControl;
  readonly operations: Operations;
  readonly product: ProductInfo;
  /** Fires when the caller has gone. */
  readonly signal: AbortSignal;
}

/** What runs here, shown as Flink's version. */
export interface ProductInfo {
  readonly version: string;
  readonly revision: string;
}

/** One row of the route table. `:name` in the path matches one part. */
export type Route = {
  readonly method: 'GET' | 'POST' | 'PATCH';
  readonly path: string;
} & (
  | { readonly scope: 'process'; readonly handle: (request: RouteRequest) => Reply }
  /** About all jobs: 503 while the process has none to show. */
  | { readonly scope: 'jobs'; readonly handle: (request: RouteRequest, job: JobView) => Reply }
  /** About the job `:jobid`, which exists when the handler is called. */
  | { readonly scope: 'job'; readonly handle: (request: RouteRequest, job: JobView) => Reply | Promise<Reply> }
);

/** 200 with a body. */
export function ok(body: unknown): Reply {
  return { status: 200, body };
}

/** 202: the operation has begun. */
export function accepted(body: unknown): Reply {
  return { status: 202, body };
}
