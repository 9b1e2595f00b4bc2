// Runs a command line to its end: help is an answer, and whatever is wrong with what was typed is told in one line each. Used by the product
// and by the programs of test/, so that all of them speak alike.
import { type Command, CommanderError } from "commander";
import { ClusterPulseError, InvalidInputError } from "../support/errors.ts";

/**
 * Parses this process's arguments and runs the command's action. The exit code is 2 for what was typed wrongly, 1 for another
 * ClusterPulseError; their lines on standard error begin with `name`. Rejects with what else an action throws.
 */
export async function runProgram(program: Command, name: string): Promise<void> {
  throwInsteadOfExit(program);
  try {
    await program.parseAsync();
  } catch (error) {
    for (const line of problemsOf(error)) process.stderr.write(`${name}: ${line}\n`);
    const isTypedWrongly = error instanceof CommanderError || error instanceof InvalidInputError;
    if (!(error instanceof CommanderError && error.exitCode === 0)) process.exitCode = isTypedWrongly ? 2 : 1;
  }
}

/** None: help or the version was written instead. */
function problemsOf(error: unknown): readonly string[] {
  if (error instanceof InvalidInputError) return error.problems;
  if (error instanceof ClusterPulseError) return [error.message];
  if (!(error instanceof CommanderError)) throw error;
  if (error.exitCode === 0 || error.code === "commander.help") return [];
  return [`${error.message.replace(/^error: /, "").replaceAll("\n", " ")}; --help tells what there is`];
}

function throwInsteadOfExit(command: Command): void {
  // The parser's own line would stand beside ours.
  command.exitOverride().configureOutput({ outputError: () => undefined });
  command.commands.forEach(throwInsteadOfExit);
}
