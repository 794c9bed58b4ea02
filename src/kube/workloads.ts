/** Kinds that a job is made of, as far as they are read. */
import { API_VERSION, type FlinkJobStatus, KIND, PLURAL } from '../api/index.ts';
import { defineResource, type KubeObject } from './resource.ts';

/** A FlinkJob as the server has it; nobody has looked yet whether its spec is right. */
export interface FlinkJobObject extends KubeObject {
  readonly spec?: unknown;
  readonly status?: FlinkJobStatus;
}

/** A condition of any object. */
export interface ObjectCondition {
  readonly type: string;
  readonly status: string;
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

/** A Pod. */
export interface Pod extends KubeObject {
  readonly spec?: { readonly nodeName?: string; readonly [field: string]: unknown };
  readonly status?: PodStatus;
}

export interface PodStatus {
  readonly phase?: 'Pending' | 'Running' | 'Succeeded' | 'Failed' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly podIP?: string;
  readonly conditions?: readonly ObjectCondition[];
  readonly containerStatuses?: readonly ContainerStatus[];
  readonly initContainerStatuses?: readonly ContainerStatus[];
}

export interface ContainerStatus {
  readonly name: string;
  readonly ready?: boolean;
  readonly restartCount?: number;
  readonly state?: {
    readonly waiting?: { readonly reason?: string; readonly message?: string };
    readonly running?: { readonly startedAt?: string };
    readonly terminated?: ContainerEnd;
  };
}

/** How a container ended. */
export interface ContainerEnd {
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason?: string;
  readonly message?: string;
  readonly finishedAt?: string;
}

/** A ControllerRevision; `data` is whatever its owner keeps in it. */
export interface ControllerRevision extends KubeObject {
  readonly data?: unknown;
  readonly revision?: number;
}

export const FLINK_JOBS = defineResource<FlinkJobObject>(API_VERSION, KIND, PLURAL);
export const PODS = defineResource<Pod>('v1', 'Pod', 'pods');
export const SERVICES = defineResource<KubeObject>('v1', 'Service', 'services');
export const SERVICE_ACCOUNTS = defineResource<KubeObject>('v1', 'ServiceAccount', 'serviceaccounts');
export const ROLES = defineResource<KubeObject>('rbac.authorization.k8s.io/v1', 'Role', 'roles');
export const ROLE_BINDINGS = defineResource<KubeObject>('rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings');
export const POD_DISRUPTION_BUDGETS = defineResource<KubeObject>(
  'policy/v1',
  'PodDisruptionBudget',
  'poddisruptionbudgets',
);
export const NETWORK_POLICIES = defineResource<KubeObject>('networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies');
export const INGRESSES = defineResource<KubeObject>('networking.k8s.io/v1', 'Ingress', 'ingresses');
export const CONTROLLER_REVISIONS = defineResource<ControllerRevision>(
  'apps/v1',
  'ControllerRevision',
  'controllerrevisions',
);
