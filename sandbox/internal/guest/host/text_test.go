//go:build linux

package host_test

import "testing"

// TestTextTools holds sed, grep and awk against what Debian's answer.
func TestTextTools(t *testing.T) {
	t.Parallel()
	p := boot(t, bare(), nil)
	for _, c := range []struct{ command, in, out string }{
		{`sed -E 's/foo|foobar/X/'`, "foobar\n", "X\n"},
		{`sed -E 's/(a|ab)(c|bcd)(d*)/[\1][\2][\3]/'`, "abcd\n", "[a][bcd][]\n"},
		{`sed 's/x*/-/g'`, "abc\n", "-a-b-c-\n"},
		{`sed 's/\(fo\|foo\)b/<\1>/'`, "foobar\n", "<foo>ar\n"},
		{`grep -oE 'foo|foobar'`, "foobar\n", "foobar\n"},
		{`grep -oP 'fo+?'`, "fooo\n", "fo\n"},
		{`expr foobar : '\(foo\|foobar\)'`, "", "foobar\n"},
		{`awk '{ print $2 }'`, "a b c\nd e f\n", "b\ne\n"},
		{`awk -F: '$3 >= 5 { n++; s = s $1 " " } END { print n, s }'`, "a:x:4\nb:x:5\nc:x:60\n", "2 b c \n"},
		{`awk -F t '{ print $1 }'`, "a\tb\n", "a\n"},
		{`awk -v n=3 -v 's=x\ty' 'BEGIN { printf "%03d %s\n", n, s }'`, "", "003 x\ty\n"},
		{`awk 'match($0, /foo(bar)?/) { print RSTART, RLENGTH }'`, "a foobar\n", "3 6\n"},
		{
			`awk 'BEGIN { "echo one two" | getline x; split(x, a); print a[2]; system("echo three"); exit 4 }'; echo $?`, "",
			"two\nthree\n4\n",
		},
		{`cd /etc && printf 'k=v\n' >awk.in && awk -F= '{ print $2 > "awk.out" }' awk.in && cat awk.out`, "", "v\n"},
		{`printf '{ print NR ":" $0 }\n' >/tmp/p.awk; awk -f /tmp/p.awk x=1 -`, "one\n", "1:one\n"},
		{`HELLO=there awk 'BEGIN { print ENVIRON["HELLO"], ARGV[0], toupper(substr("hello", 2, 3)) }'`, "", "there awk ELL\n"},
		{`awk 'BEGIN {' 2>/dev/null; echo $?`, "", "2\n"},
		{`awk '{ a[$1] += $2 } END { for (k in a) print k, a[k] }' | sort`, "x 1\ny 2\nx 3\n", "x 4\ny 2\n"},
	} {
		if r := p.runWith("root", c.command, c.in); r.out != c.out {
			t.Errorf("%s\n got %q %q\nwant %q", c.command, r.out, r.err, c.out)
		}
	}
}
