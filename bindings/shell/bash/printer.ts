/** Commands as bash prints them: in messages of jobs, `declare -f`, BASH_COMMAND. */
import type {
  AndOr,
  Assignment,
  Command,
  CommandNode,
  CompoundList,
  Coproc,
  Function as FunctionNode,
  HereDoc,
  PipelineNode,
  Redirection,
  Script,
  Statement,
  TestExpression,
  Word,
} from 'unbash';
import type { FunctionDefinition } from './shell.ts';
import { Source } from './source.ts';
import { mapSubstitutions } from './words.ts';

class Printer {
  private readonly source: Source;
  private indent = 0;
  private documents: HereDoc[] = [];
  /** within a function's body, where every command is on a line of its own */
  private readonly inFunction: boolean;
  /** of a command substitution: a newline between commands stays one */
  private readonly newlines: boolean;

  constructor(source: Source, inFunction: boolean, newlines = false) {
    this.source = source;
    this.inFunction = inFunction;
    this.newlines = newlines;
  }

  private get pad(): string {
    return ' '.repeat(this.indent);
  }

  word(word: Word | Assignment): string {
    const text = this.source.text.slice(word.pos, word.end);
    if (!this.newlines || !text.includes('\n') || !text.includes('$(')) return text;
    return mapSubstitutions(text, (commands) => {
      const source = new Source(commands, 1);
      return source.tree.errors ? commands : printScript(source.tree, source);
    });
  }

  redirection(item: Redirection): string {
    const fd =
      item.descriptor === undefined
        ? ''
        : item.descriptor.type === 'FileDescriptor'
          ? String(item.descriptor.value)
          : `{${item.descriptor.name}}`;
    if (item.type === 'HereDoc') {
      this.documents.push(item);
      const delimiter =
        item.delimiter === undefined ? '' : item.delimiter.quoted ? `'${item.delimiter.value}'` : item.delimiter.value;
      return `${fd}${item.operator}${delimiter}`;
    }
    const target = item.target === undefined ? '' : this.word(item.target);
    if (item.operator === '>&' || item.operator === '<&') {
      const standard = item.operator === '>&' ? '1' : '0';
      if (target === '-') return `${fd || standard}>&-`;
      if (item.operator === '>&' && fd === '' && !/^[0-9$]/.test(target)) return `&> ${target}`;
      return `${fd || standard}${item.operator}${target}`;
    }
    return `${fd}${item.operator} ${target}`;
  }

  private redirections(items: readonly Redirection[]): string {
    return items.map((item) => ` ${this.redirection(item)}`).join('');
  }

  /** Here-documents whose operators have been printed. */
  private pending(): string {
    let text = '';
    for (const item of this.documents.splice(0)) {
      text += `\n${item.body.text}${item.delimiter?.value ?? ''}`;
    }
    return text;
  }

  simple(command: Command): string {
    const words: string[] = [];
    const redirects: Redirection[] = [];
    const all = [...command.prefix, ...(command.name ? [command.name] : []), ...command.suffix];
    for (const element of all) {
      if (element.type === 'Word' || element.type === 'Assignment') words.push(this.word(element));
      else redirects.push(element);
    }
    for (const item of redirects) words.push(this.redirection(item));
    return words.join(' ');
  }

  /** Commands that were read one after the other: those of a line stay on one. */
  script(script: Script): string {
    let text = '';
    let last: Statement | undefined;
    for (const statement of script.commands) {
      if (last !== undefined) {
        const apart = this.source.text.slice(last.end, statement.pos).includes('\n');
        if (text.endsWith('\n')) text += '';
        else if (apart) text += '\n';
        else text += last.background ? ' ' : '; ';
      }
      text += this.statement(statement);
      const documents = this.pending();
      if (statement.background) text += ' &';
      if (documents !== '') text += `${documents}\n`;
      last = statement;
    }
    return text;
  }

  statement(statement: Statement): string {
    return this.node(statement.command);
  }

  /** Are two commands on lines of their own, where that matters? */
  private apart(a: Statement, b: Statement): boolean {
    return this.newlines && this.source.text.slice(a.end, b.pos).includes('\n');
  }

  /** Commands one after the other, as they stand in a body. */
  private body(commands: CompoundList, lines: boolean): string {
    let text = '';
    for (const [i, statement] of commands.commands.entries()) {
      const before = commands.commands[i - 1];
      if (before) text += lines || this.apart(before, statement) ? `\n${this.pad}` : ' ';
      text += this.statement(statement);
      const documents = this.pending();
      const last = i === commands.commands.length - 1;
      if (statement.background) text += documents === '' ? ' &' : ` &${documents}`;
      else if (documents !== '') text += documents + (last ? '\n' : '');
      else if (!last && !this.apart(statement, commands.commands[i + 1]!)) text += ';';
      if (statement.background && last) return `${text}`;
    }
    return text;
  }

  /** A body on lines of its own, one step further in; ends with `;` and a newline. */
  private block(commands: CompoundList): string {
    this.indent += 4;
    const text = this.pad + this.body(commands, this.inFunction);
    this.indent -= 4;
    const ends = text.endsWith('&') || text.endsWith('\n');
    return `${text}${ends ? '' : ';'}${text.endsWith('\n') ? '' : '\n'}`;
  }

  node(node: PipelineNode | AndOr): string {
    if (node.type === 'AndOr') {
      return node.commands.map((part, i) => (i === 0 ? '' : ` ${node.operators[i - 1]} `) + this.node(part)).join('');
    }
    if (node.type === 'Pipeline') {
      const prefixes = node.prefixes.map((prefix) =>
        prefix.type === 'Time' ? (prefix.posix ? 'time -p ' : 'time ') : '! ',
      );
      const parts = node.commands.map((part, i) => {
        const text = this.command(part);
        return node.operators[i] === '|&' ? `${text} 2>&1` : text;
      });
      return prefixes.join('') + parts.join(' | ');
    }
    return this.command(node);
  }

  command(node: CommandNode): string {
    switch (node.type) {
      case 'Command':
        return this.simple(node);
      case 'Redirected':
        return this.command(node.command) + this.redirections(node.redirects);
      case 'Subshell':
        return `( ${this.body(node.body, this.inFunction)} )`;
      case 'BraceGroup': {
        if (!this.inFunction) {
          const text = this.body(node.body, false);
          return `{ ${text}${text.endsWith('&') ? '' : ';'} }`;
        }
        return `{ \n${this.block(node.body)}${this.pad}}`;
      }
      case 'If': {
        let text = `if ${this.body(node.clause, false)}; then\n${this.block(node.then)}`;
        let depth = 0;
        for (const elif of node.elif) {
          text += `${this.pad}else\n`;
          this.indent += 4;
          depth++;
          text += `${this.pad}if ${this.body(elif.clause, false)}; then\n${this.block(elif.then)}`;
        }
        if (node.else) text += `${this.pad}else\n${this.block(node.else)}`;
        text += `${this.pad}fi`;
        while (depth-- > 0) {
          this.indent -= 4;
          text += `;\n${this.pad}fi`;
        }
        return text;
      }
      case 'While':
        return `${node.kind} ${this.body(node.clause, false)}; do\n${this.block(node.body)}${this.pad}done`;
      case 'For': {
        const words = node.wordlist === undefined ? '"$@"' : node.wordlist.map((word) => this.word(word)).join(' ');
        return `for ${node.name.text} in ${words};\n${this.pad}do\n${this.block(node.body)}${this.pad}done`;
      }
      case 'Select': {
        const words = node.wordlist === undefined ? '"$@"' : node.wordlist.map((word) => this.word(word)).join(' ');
        return `select ${node.name.text} in ${words};\n${this.pad}do\n${this.block(node.body)}${this.pad}done`;
      }
      case 'ArithmeticFor': {
        const expression = (part: { pos: number; end: number } | undefined) =>
          part === undefined ? '1' : this.source.text.slice(part.pos, part.end);
        return `for ((${expression(node.initialize)}; ${expression(node.test)}; ${expression(node.update)}))\n${this.pad}do\n${this.block(node.body)}${this.pad}done`;
      }
      case 'Case': {
        let text = `case ${this.word(node.word)} in `;
        this.indent += 4;
        for (const item of node.items) {
          text += `\n${this.pad}${item.pattern.map((word) => this.word(word)).join(' | ')})`;
          this.indent += 4;
          text += `\n${this.pad}${this.body(item.body, this.inFunction)}`;
          this.indent -= 4;
          text += `\n${this.pad}${item.terminator ?? ';;'}`;
        }
        this.indent -= 4;
        return `${text}\n${this.pad}esac`;
      }
      case 'TestCommand':
        return `[[ ${this.test(node.expression)} ]]`;
      case 'ArithmeticCommand':
        return `((${node.body}))`;
      case 'Function':
        return `function ${printFunctionNode(node, this.source, this.indent)}`;
      default:
        return this.coprocess(node);
    }
  }

  private coprocess(node: Coproc): string {
    const body = node.body.type === 'CompoundList' ? this.body(node.body, false) : this.command(node.body);
    return `coproc ${node.name ? `${node.name.text} ` : 'COPROC '}${body}`;
  }

  private test(expression: TestExpression): string {
    switch (expression.type) {
      case 'TestUnary':
        return `${expression.operator} ${this.word(expression.operand)}`;
      case 'TestBinary':
        return `${this.word(expression.left)} ${expression.operator} ${this.word(expression.right)}`;
      case 'TestLogical':
        return expression.operands.map((operand) => this.test(operand)).join(` ${expression.operator} `);
      case 'TestNot':
        return `! ${this.test(expression.operand)}`;
      default:
        return `( ${this.test(expression.expression)} )`;
    }
  }

  /** The body of a function, always in braces. */
  functionBody(node: FunctionNode, indent: number): string {
    this.indent = indent;
    const { body } = node;
    const [inner, redirects] = body.type === 'Redirected' ? [body.command, body.redirects] : [body, []];
    const list: CompoundList | undefined =
      inner.type === 'BraceGroup' ? inner.body : inner.type === 'CompoundList' ? inner : undefined;
    const text = list
      ? this.lines(list)
      : (() => {
          this.indent += 4;
          const one = `${this.pad}${this.command(inner as CommandNode)}\n`;
          this.indent -= 4;
          return one;
        })();
    return `{ \n${text}${this.pad}}${this.redirections(redirects)}`;
  }

  private lines(commands: CompoundList): string {
    this.indent += 4;
    const text = `${this.pad}${this.body(commands, true)}\n`;
    this.indent -= 4;
    return text.replace(/\n\n$/, '\n');
  }
}

/** A whole script. */
export function printScript(script: Script, source: Source): string {
  return new Printer(source, false, true).script(script);
}

/** A command on one line, as jobs are shown. */
export function printNode(node: PipelineNode | AndOr, source: Source): string {
  return new Printer(source, false).node(node);
}

/** A simple command: its words and redirections. */
export function printCommand(command: Command, source: Source): string {
  return new Printer(source, false).simple(command);
}

function printFunctionNode(node: FunctionNode, source: Source, indent: number): string {
  return `${node.name.text} () \n${' '.repeat(indent)}${new Printer(source, true).functionBody(node, indent)}`;
}

/** A function as `declare -f` shows it. */
export function printFunction(name: string, definition: FunctionDefinition): string {
  return `${name} () \n${new Printer(definition.source, true).functionBody(definition.node, 0)}`;
}
