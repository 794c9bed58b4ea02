/** The settings of the operator as options of its command. */
import { type Command as Commander, Option } from 'commander';
import { type NamedSetting, OPERATOR_SETTINGS } from '../../config/index.ts';

/** An option for each setting. Variables are read with the rest of the configuration, which says where a value came from. */
export function settingOptions(): Option[] {
  return [
    new Option('--config <file>', 'settings in YAML').env('FLINKJOB_CONFIG'),
    ...OPERATOR_SETTINGS.map((setting) => optionOf(setting)),
  ];
}

/** What was said on the command line, by the key of its setting. */
export function settingFlags(command: Commander): Record<string, string> {
  const said = OPERATOR_SETTINGS.flatMap((setting) => {
    const name = optionOf(setting).attributeName();
    const isFlag = command.getOptionValueSource(name) === 'cli';
    return isFlag ? [[setting.key, String(command.getOptionValue(name))] as const] : [];
  });
  return Object.fromEntries(said);
}

function optionOf({ flag, variable, description, fallback }: NamedSetting): Option {
  const sentence = description.replace(/\.$/, '');
  return new Option(`${flag} <value>`, fallback === undefined ? sentence : `${sentence} (default: ${fallback})`).env(
    variable,
  );
}
