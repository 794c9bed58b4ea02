import { FlinkJobError, messageOf } from '../lib/errors.ts';

/** What became of a write that failed. `unknown` is never guessed: whoever must know reads again. */
export type WriteOutcome = 'notApplied' | 'unknown';

type KubeErrorCode =
  | 'KUBE_REFUSED'
  | 'KUBE_SERVER_ERROR'
  | 'KUBE_NO_ANSWER'
  | 'KUBE_DEADLINE'
  | 'KUBE_ABORTED'
  | 'KUBE_WRITE_GATE_CLOSED';

/** One reason of several in a server's answer; `field` names the place in the object. */
export interface StatusCause {
  readonly reason?: string;
  readonly message?: string;
  readonly field?: string;
}

/** What Kubernetes answers instead of an object. Follows `metav1.Status`. */
export interface Status {
  readonly kind?: string;
  readonly code?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly details?: {
    readonly name?: string;
    readonly causes?: readonly StatusCause[];
    readonly retryAfterSeconds?: number;
  };
}

interface ApiErrorFacts {
  readonly code: KubeErrorCode;
  /** Verb and object: `patch configmaps flights/flights-ha`. */
  readonly call: string;
  readonly why: string;
  readonly outcome: WriteOutcome;
  readonly retryable: boolean;
  readonly status?: number;
  readonly answer?: Status;
  readonly retryAfterMs?: number | undefined;
  readonly cause?: unknown;
}

/** Thrown when a call to the Kubernetes API did not bring what was asked for. */
export class ApiError extends FlinkJobError {
  /** Verb and object of the call. */
  readonly call: string;
  /** HTTP status, when the server answered. */
  readonly status: number | undefined;
  /** Kubernetes' word for it (`AlreadyExists`, `Conflict`, …); empty when the server did not answer. */
  readonly reason: string;
  readonly causes: readonly StatusCause[];
  /** Name of the object the server's answer is about; a missing namespace is told from a missing object by it. */
  readonly objectName: string | undefined;
  /** How long the server asks to be left alone. */
  readonly retryAfterMs: number | undefined;
  /** Whether a write surely did not happen. Reads change nothing: theirs is `notApplied`. */
  readonly outcome: WriteOutcome;

  constructor(facts: ApiErrorFacts) {
    super(facts.code, `${facts.call}: ${facts.why}`, { cause: facts.cause, retryable: facts.retryable });
    this.call = facts.call;
    this.status = facts.status;
    this.reason = facts.answer?.reason ?? '';
    this.causes = facts.answer?.details?.causes ?? [];
    this.objectName = facts.answer?.details?.name;
    this.retryAfterMs = facts.retryAfterMs;
    this.outcome = facts.outcome;
  }

  get isNotFound(): boolean {
    return this.status === 404;
  }

  /** Another write came first, or a precondition does not hold. */
  get isConflict(): boolean {
    return this.status === 409 && !this.isAlreadyExists;
  }

  get isAlreadyExists(): boolean {
    return this.status === 409 && this.reason === 'AlreadyExists';
  }

  /** The resource version or the page asked for is too old to be served. */
  get isExpired(): boolean {
    return this.status === 410;
  }

  /** The server has not seen the resource version asked for yet. */
  get isTooLargeResourceVersion(): boolean {
    return this.status === 504 && this.causes.some(({ reason }) => reason === 'ResourceVersionTooLarge');
  }

  get isTooManyRequests(): boolean {
    return this.status === 429;
  }

  get isUnauthorized(): boolean {
    return this.status === 401;
  }

  get isForbidden(): boolean {
    return this.status === 403;
  }

  /** The object, or the patch, does not fit; a JSON Patch whose `test` failed is one of these. */
  get isInvalid(): boolean {
    return this.status === 422;
  }
}

/** Thrown when it cannot be found out how to reach a cluster. */
export class KubeConfigError extends FlinkJobError {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super('KUBE_CONFIG', message, options);
  }
}

/** A call that the server answered with an error status. */
export function answeredWith(
  call: string,
  status: number,
  answer: Status,
  facts: { readonly isWrite: boolean; readonly retryAfterMs: number | undefined },
): ApiError {
  const isRefusal = status >= 400 && status < 500 && status !== 408;
  const text = answer.message ?? answer.reason ?? 'no reason given';
  return new ApiError({
    code: isRefusal ? 'KUBE_REFUSED' : 'KUBE_SERVER_ERROR',
    call,
    why: `the API server answered ${status}: ${text}${hintFor(status)}`,
    // The server decides before it writes; only its own failures leave open on which side of that they happened.
    outcome: isRefusal || !facts.isWrite ? 'notApplied' : 'unknown',
    retryable: !isRefusal || status === 429 || status === 409 || status === 410,
    status,
    answer,
    retryAfterMs: facts.retryAfterMs,
  });
}

/** A call that got no whole answer. */
export function notAnswered(
  call: string,
  cause: unknown,
  facts: {
    readonly isWrite: boolean;
    readonly wasSent: boolean;
    readonly why: 'failed' | 'deadline' | 'aborted' | 'gate';
  },
): ApiError {
  const outcome = facts.isWrite && facts.wasSent ? 'unknown' : 'notApplied';
  const extent = facts.wasSent ? '' : '; nothing was sent';
  const doubt = outcome === 'unknown' ? '; whether it was applied is not known: read the object again' : '';
  const base = { call, outcome, cause } as const;
  switch (facts.why) {
    case 'failed': {
      const why = `the API server could not be reached, or its answer was lost (${messageOf(cause)})${extent}${doubt}`;
      return new ApiError({ ...base, code: 'KUBE_NO_ANSWER', why, retryable: true });
    }
    case 'deadline':
      return new ApiError({
        ...base,
        code: 'KUBE_DEADLINE',
        why: `no answer in time${extent}${doubt}`,
        retryable: true,
      });
    case 'aborted':
      return new ApiError({ ...base, code: 'KUBE_ABORTED', why: `abandoned${extent}${doubt}`, retryable: false });
    case 'gate': {
      const why = `this process does not lead, or its lease may have run out${extent}${doubt}`;
      return new ApiError({ ...base, code: 'KUBE_WRITE_GATE_CLOSED', why, retryable: false });
    }
  }
}

function hintFor(status: number): string {
  if (status === 401) return '; check the credentials of the kubeconfig or of the service account';
  if (status === 403) return '; grant it with a Role and a RoleBinding';
  return '';
}
