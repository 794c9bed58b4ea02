/** Pods and Nodes as far as a kubelet reads and writes them, plain JSON. */
import { defineResource, type KubeObject } from '../../src/kube/index.ts';

export interface Pod extends KubeObject {
  readonly metadata?: KubeObject['metadata'] & { readonly deletionGracePeriodSeconds?: number };
  readonly spec?: PodSpec;
  readonly status?: PodStatus;
}

export interface PodSpec {
  readonly nodeName?: string;
  readonly serviceAccountName?: string;
  readonly terminationGracePeriodSeconds?: number;
  readonly containers: readonly Container[];
  readonly volumes?: readonly Volume[];
}

export interface Container {
  readonly name: string;
  readonly image?: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly workingDir?: string;
  readonly env?: readonly EnvVar[];
  readonly envFrom?: readonly EnvFrom[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly { readonly name: string; readonly mountPath: string }[];
  readonly readinessProbe?: Probe;
  readonly livenessProbe?: Probe;
  readonly terminationMessagePolicy?: 'File' | 'FallbackToLogsOnError';
}

/** An HTTP probe; times are seconds. */
export interface Probe {
  readonly httpGet?: { readonly path?: string; readonly port: string | number };
  readonly initialDelaySeconds?: number;
  readonly periodSeconds?: number;
  readonly timeoutSeconds?: number;
  readonly failureThreshold?: number;
}

interface KeyRef {
  readonly name: string;
  readonly key: string;
  readonly optional?: boolean;
}

interface NameRef {
  readonly name: string;
  readonly optional?: boolean;
}

export interface EnvVar {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly fieldRef?: { readonly fieldPath: string };
    readonly configMapKeyRef?: KeyRef;
    readonly secretKeyRef?: KeyRef;
  };
}

export interface EnvFrom {
  readonly prefix?: string;
  readonly configMapRef?: NameRef;
  readonly secretRef?: NameRef;
}

interface Item {
  readonly key: string;
  readonly path: string;
}

interface FieldItem {
  readonly path: string;
  readonly fieldRef?: { readonly fieldPath: string };
}

export interface VolumeSource {
  readonly configMap?: NameRef & { readonly items?: readonly Item[] };
  readonly secret?: NameRef & { readonly secretName?: string; readonly items?: readonly Item[] };
  readonly downwardAPI?: { readonly items?: readonly FieldItem[] };
  readonly serviceAccountToken?: { readonly path: string; readonly expirationSeconds?: number };
}

export interface Volume extends VolumeSource {
  readonly name: string;
  readonly emptyDir?: object;
  readonly hostPath?: { readonly path: string };
  readonly projected?: { readonly sources?: readonly VolumeSource[] };
}

export type PodPhase = 'Pending' | 'Running' | 'Succeeded' | 'Failed';

export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False' | 'Unknown';
  readonly reason?: string;
  readonly message?: string;
  readonly lastTransitionTime?: string;
}

export interface PodStatus {
  readonly phase?: PodPhase;
  readonly reason?: string;
  readonly message?: string;
  readonly hostIP?: string;
  readonly podIP?: string;
  readonly podIPs?: readonly { readonly ip: string }[];
  readonly startTime?: string;
  readonly conditions?: readonly Condition[];
  readonly containerStatuses?: readonly ContainerStatus[];
}

export interface ContainerStatus {
  readonly name: string;
  readonly image: string;
  readonly imageID: string;
  readonly containerID?: string;
  readonly ready: boolean;
  readonly started: boolean;
  readonly restartCount: number;
  readonly state: ContainerState;
}

export type ContainerState =
  | { readonly waiting: { readonly reason: string; readonly message?: string } }
  | { readonly running: { readonly startedAt: string } }
  | { readonly terminated: Terminated };

export interface Terminated {
  readonly exitCode: number;
  readonly signal?: number;
  readonly reason: string;
  readonly message?: string;
  readonly startedAt?: string;
  readonly finishedAt?: string;
  readonly containerID?: string;
}

export interface Node extends KubeObject {
  readonly spec?: { readonly taints?: readonly object[] };
  readonly status?: { readonly conditions?: readonly Condition[] };
}

export interface Secret extends KubeObject {
  /** Base64. */
  readonly data?: Readonly<Record<string, string>>;
}

export const PODS = defineResource<Pod>('v1', 'Pod', 'pods');
export const NODES = defineResource<Node>('v1', 'Node', 'nodes', 'cluster');
export const SECRETS = defineResource<Secret>('v1', 'Secret', 'secrets');
