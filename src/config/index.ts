/**
 * The configuration of the operator: what can be set, under which names, what each setting is when nobody sets it, and how a
 * process is told of it.
 *
 *     flag  >  variable FLINKJOB_…  >  file (YAML)  >  default
 *
 * Each setting is declared once, in settings.ts. Flag, variable, key of the file, help and reference page are made from that.
 * Reading finds everything that is wrong at once, and names for each the setting, its value, where it stands, the rule and the
 * remedy. Declaring loads no other package, so that commands which only show the settings start as fast as before. Nobody else
 * reads variables of the environment for it, and after reading nothing changes any more: a new configuration is a new process.
 */
export { OperatorConfigError } from './errors.ts';
export { type ConfigSources, type OperatorConfig, type ReadConfig, readOperatorConfig } from './operator-config.ts';
export { type NamedSetting, OPERATOR_SETTINGS } from './settings.ts';
