/** A scheduler and kubelets for the test cluster, which run pods as processes of this machine. See README.md. */
export type { ContainerEnd } from './container.ts';
export { NodeSimulator, type NodeSimulatorOptions, SIMULATOR_USER } from './node-simulator.ts';
export type { Play, PlayedFacts } from './played-container.ts';
export { type PlayedJobOptions, playedJobs } from './played-job.ts';
export { NODES, PODS, type Pod, type PodStatus } from './pod-shapes.ts';
export type { Hold, PodMatch } from './scenarios.ts';
export type { SimulatedNode } from './simulated-node.ts';
export type { SimulatedPod } from './simulated-pod.ts';
