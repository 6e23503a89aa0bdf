// biome-ignore-all lint/suspicious/noTemplateCurlyInString: it is bash
/** Random programs of bash: of all that the language has, in a shape that ends and that prints the same each time. */
import fc from 'fast-check';

const variables = ['x', 'y', 'z'];
const name = fc.constantFrom(...variables);
const literal = fc.constantFrom('a', 'b', 'ab', 'foo', '1', '2', '10', '-', '_', 'a.b', 'f1', 'A', '/', 'x=', ',');
const pattern = fc.constantFrom(
  'a*',
  '*',
  '?',
  '[ab]',
  '[!a]',
  'f*',
  '*o',
  '*.b',
  '[0-9]',
  'a',
  'f?',
  '"*"',
  '\\*',
  '[[:alpha:]]*',
);
const number = fc.constantFrom('0', '1', '2', '3', '7', '10', '-1', '010', '0x1f');

const arithmetic: fc.Arbitrary<string> = fc.letrec<{ e: string }>((tie) => ({
  e: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    number,
    name,
    fc.constantFrom('n', 'x+1', 'a[0]', 'a[n]', '$x', '${#x}', '${y:-2}', '$#'),
    fc
      .tuple(
        tie('e'),
        fc.constantFrom(
          '+',
          '-',
          '*',
          '/',
          '%',
          '<',
          '>',
          '==',
          '!=',
          '&&',
          '||',
          '&',
          '|',
          '^',
          '<<',
          '>>',
          ',',
          '**',
        ),
        tie('e'),
      )
      .map(([a, o, b]) => `${a} ${o} ${o === '<<' || o === '>>' || o === '**' ? '2' : b}`),
    fc.tuple(fc.constantFrom('-', '!', '~', '+'), tie('e')).map(([o, e]) => `${o} ${e}`),
    tie('e').map((e) => `(${e})`),
    fc.tuple(tie('e'), tie('e'), tie('e')).map(([a, b, c]) => `${a} ? ${b} : ${c}`),
    fc
      .tuple(fc.constantFrom('n', 'm', 'x'), fc.constantFrom('=', '+=', '-=', '*='), tie('e'))
      .map(([v, o, e]) => `(${v} ${o} ${e})`),
    fc.constantFrom('n++', '++n', 'n--', '--m'),
  ),
})).e;

/** A word and what is made of words. `depth` bounds the nesting. */
function word(depth: number): fc.Arbitrary<string> {
  const inner = depth > 0 ? word(depth - 1) : literal;
  const operand = depth > 0 ? fc.oneof(inner, fc.constantFrom('', 'w w', '"q q"', '*')) : literal;
  const expansions: fc.Arbitrary<string>[] = [
    name.map((n) => `$${n}`),
    fc.tuple(name, fc.constantFrom('-', ':-', '+', ':+', '=', ':='), operand).map(([n, o, w]) => `\${${n}${o}${w}}`),
    fc.tuple(name, fc.constantFrom('#', '##', '%', '%%'), pattern).map(([n, o, p]) => `\${${n}${o}${p}}`),
    fc
      .tuple(name, fc.constantFrom('/', '//', '/#', '/%'), pattern, fc.constantFrom('', 'R', '&&', '"&"', '$y'))
      .map(([n, o, p, r]) => `\${${n}${o}${p}/${r}}`),
    fc
      .tuple(name, fc.constantFrom('^', '^^', ',', ',,'), fc.constantFrom('', '[a-m]'))
      .map(([n, o, p]) => `\${${n}${o}${p}}`),
    fc
      .tuple(name, fc.constantFrom('0', '1', ' -1', '2', 'n'), fc.constantFrom('', ':1', ':2', ':-1', ':n'))
      .map(([n, o, l]) => `\${${n}:${o}${l}}`),
    name.map((n) => `\${#${n}}`),
    fc.tuple(name, fc.constantFrom('Q', 'U', 'L', 'u', 'E', 'A', 'a')).map(([n, o]) => `\${${n}@${o}}`),
    fc.constantFrom('$@', '$*', '$#', '$?', '$1', '$2', '${1:-d}', '${@:1}', '${*:2}', '${!r}', '$-', '${#@}'),
    fc.constantFrom(
      '${a[0]}',
      '${a[@]}',
      '${a[*]}',
      '${#a[@]}',
      '${!a[@]}',
      '${a[-1]}',
      '${a[@]:1}',
      '${a[@]/a/b}',
      '${m[k]}',
      '${m[q q]}',
      '${#m[@]}',
      '${a[n]}',
    ),
    arithmetic.map((e) => `$((${e}))`),
  ];
  if (depth > 0) {
    expansions.push(
      simple(depth - 1).map((c) => `$(${c})`),
      fc.tuple(literal, inner).map(([l, w]) => `$(printf '%s\\n' ${l} ${w})`),
    );
  }
  const expansion = fc.oneof(...expansions);
  const piece = fc.oneof(
    { weight: 5, arbitrary: literal },
    { weight: 4, arbitrary: expansion },
    { weight: 5, arbitrary: expansion.map((e) => `"${e}"`) },
    { weight: 2, arbitrary: fc.tuple(literal, expansion, literal).map(([a, e, b]) => `"${a} ${e}${b}"`) },
    {
      weight: 2,
      arbitrary: fc.constantFrom("'s q'", "''", '""', '"a  b"', '\\ ', '\\$x', "$'t\\tt'", '\\"', '"\\$x"', "'$x'"),
    },
    { weight: 1, arbitrary: fc.constantFrom('{a,b}', '{1..3}', '{,q}', '*', 'f*', '?1', '[f]*', '~', 'nope*') },
  );
  return fc.array(piece, { minLength: 1, maxLength: 3 }).map((pieces) => pieces.join(''));
}

function words(depth: number, most = 3): fc.Arbitrary<string> {
  return fc.array(word(depth), { minLength: 0, maxLength: most }).map((all) => all.join(' '));
}

/** Builtins and programs that print the same each time. */
function simple(depth: number): fc.Arbitrary<string> {
  const w = word(depth);
  return fc.oneof(
    { weight: 4, arbitrary: words(depth).map((all) => `echo ${all}`) },
    { weight: 4, arbitrary: words(depth).map((all) => `printf '<%s>\\n' ${all}`) },
    { weight: 4, arbitrary: fc.tuple(name, fc.constantFrom('=', '=', '+='), w).map(([n, o, v]) => `${n}${o}${v}`) },
    { weight: 1, arbitrary: words(depth).map((all) => `a=(${all})`) },
    { weight: 1, arbitrary: w.map((v) => `a+=(${v})`) },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('0', '1', '5', 'n'), w).map(([i, v]) => `a[${i}]=${v}`) },
    { weight: 1, arbitrary: w.map((v) => `m[k]=${v}`) },
    { weight: 1, arbitrary: words(depth).map((all) => `set -- ${all}`) },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'shift',
        'true',
        'false',
        ':',
        'unset x',
        'unset "a[0]"',
        'nosuch',
        'declare -p x',
        'echo "${PIPESTATUS[@]}"',
        'unset y z',
        'r=x',
        'r=y',
        'IFS=:',
        "IFS=' '",
        'unset IFS',
        'echo $LINENO',
      ),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'set -f',
        'set +f',
        'set -u',
        'set +u',
        'set -e',
        'set +e',
        'shopt -s nullglob',
        'set -o pipefail',
        'shopt -s extglob',
      ),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(w, fc.constantFrom('=', '!=', '<', '-eq', '-lt', '=='), w)
        .map(([a, o, b]) => (o === '<' ? `[[ ${a} < ${b} ]]` : `[ ${a} ${o} ${b} ]`)),
    },
    {
      weight: 2,
      arbitrary: fc
        .tuple(w, fc.constantFrom('==', '!=', '='), fc.oneof(pattern, w))
        .map(([a, o, b]) => `[[ ${a} ${o} ${b} ]]`),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(fc.constantFrom('-n', '-z', '-f', '-e', '-d'), w).map(([o, a]) => `[[ ${o} ${a} ]]`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(w, fc.constantFrom('^a', 'b$', '(a|b)+', '[0-9]+', '.', 'o{2}'))
        .map(([a, r]) => `[[ ${a} =~ ${r} ]] && echo "\${BASH_REMATCH[@]}"`),
    },
    { weight: 2, arbitrary: arithmetic.map((e) => `((${e}))`) },
    { weight: 1, arbitrary: arithmetic.map((e) => `let "${e.replaceAll('"', '')}"`) },
    { weight: 1, arbitrary: w.map((v) => `read x y <<< ${v}`) },
    { weight: 1, arbitrary: fc.tuple(name, w).map(([n, v]) => `${n}=${v} eval 'echo "$${n}"'`) },
    { weight: 1, arbitrary: fc.constantFrom('f', 'f a', 'f "$@"', 'g b c', 'g') },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom('>', '>>', '2>', '&>'), fc.constantFrom('f1', 'f2', '/nodir/f'), w)
        .map(([o, f, v]) => `echo ${v} ${o} ${f}`),
    },
    {
      weight: 1,
      arbitrary: fc.constantFrom(
        'cat f1',
        'cat < f1',
        'cat f1 f2',
        'cat < nofile',
        'wc -l < f1',
        'cat <<< "$x"',
        'head -n 1 f1',
        'seq 2',
      ),
    },
  );
}

/** Commands: lists, pipelines, compounds. */
function command(depth: number): fc.Arbitrary<string> {
  const leaf = simple(Math.min(depth, 1));
  if (depth === 0) return leaf;
  const c = command(depth - 1);
  const body = fc.array(c, { minLength: 1, maxLength: 3 }).map((all) => all.join('\n'));
  const w = word(1);
  return fc.oneof(
    { weight: 6, arbitrary: leaf },
    { weight: 2, arbitrary: fc.tuple(leaf, fc.constantFrom('&&', '||'), leaf).map(([a, o, b]) => `${a} ${o} ${b}`) },
    { weight: 1, arbitrary: leaf.map((a) => `! ${a}`) },
    { weight: 1, arbitrary: fc.tuple(c, body, body).map(([a, b, e]) => `if ${a}; then\n${b}\nelse\n${e}\nfi`) },
    { weight: 1, arbitrary: fc.tuple(c, body).map(([a, b]) => `if ${a}\nthen ${b}\nfi`) },
    { weight: 1, arbitrary: fc.tuple(words(1), body).map(([all, b]) => `for z in ${all}; do\n${b}\ndone`) },
    { weight: 1, arbitrary: body.map((b) => `for ((k = 0; k < 2; k++)); do\n${b}\ndone`) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(c, fc.constantFrom('break', 'continue', ':'))
        .map(([a, j]) => `for q in 1 2 3; do ${a}\n[ $q = 2 ] && ${j}; echo q$q; done`),
    },
    {
      weight: 1,
      arbitrary: fc
        .tuple(w, pattern, body, pattern, c, fc.constantFrom(';;', ';&', ';;&'))
        .map(([v, p, b, p2, b2, t]) => `case ${v} in\n${p}) ${b} ${t}\n${p2} | b) ${b2} ;;\n*) echo other;;\nesac`),
    },
    { weight: 1, arbitrary: body.map((b) => `(\n${b}\n)`) },
    { weight: 1, arbitrary: body.map((b) => `{ ${b}; }`.replace(/\n; }$/, '\n}')) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(
          words(1),
          fc.constantFrom(
            'cat',
            'while read -r l; do echo "[$l]"; done',
            '{ read v; echo "$v"; cat; }',
            'tail -n 1',
            'wc -l',
            '(cat; echo end)',
          ),
        )
        .map(([all, r]) => `printf '%s\\n' ${all} | ${r}`),
    },
    {
      weight: 1,
      arbitrary: fc.tuple(c, fc.constantFrom('f1', 'f2')).map(([b, f]) => `{ ${b}\n} > ${f} 2>&1; cat ${f}`),
    },
    { weight: 1, arbitrary: w.map((v) => `{ cat <<E\n${v} $x \${y:-"d d"} \\$z\nE\n}`) },
    { weight: 1, arbitrary: body.map((b) => `f() {\n${terminating(b)}\nreturn 3\n}`) },
    {
      weight: 1,
      arbitrary: fc.tuple(w, c).map(([v, b]) => `g() { local x=${v} IFS=,; ${terminating(b)}\necho "$x$*"; }\ng p q`),
    },
    { weight: 1, arbitrary: fc.tuple(fc.constantFrom('ERR', 'RETURN'), leaf).map(([s, a]) => `trap ${quote(a)} ${s}`) },
    { weight: 1, arbitrary: c.map((a) => `eval ${quote(a)}`) },
    { weight: 1, arbitrary: fc.tuple(name, c).map(([n, a]) => `${n}=$(${a}\n)\necho "$? $${n}"`) },
  );
}

/** A function's body that calls neither itself nor the other. */
function terminating(body: string): string {
  return body.replace(/\b[fg]\b(?=[ \n'"]|$)/g, 'h');
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** A program: it ends, whatever happens. */
export const program: fc.Arbitrary<string> = fc
  .array(command(2), { minLength: 2, maxLength: 8 })
  .map(
    (all) =>
      `FUNCNEST=12 x=a y='b c' n=1; declare -A m=([k]=v); a=(p 'q r'); r=x; set -- one 'two 2'\nf() { echo "f$#"; }; g() { printf '%s;' "$@"; }; h() { echo "h$#"; }; : > f1; echo l1 > f2\n${all.join('\n')}\necho "end $? [$x] [$y] [$z] $n \${#a[@]} $#"\n`,
  );
