package workflows

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

// IDs lie in Slack as values of buttons and in Redis as keys: the same seeds must give the same ID for ever.
func TestStoredIDsDoNotDrift(t *testing.T) {
	for _, c := range []struct {
		account string
		shards  int
		seeds   []string
		want    string
	}{
		{"acme", 16, []string{"acme", "T1", "V1"}, "t15-DD78J2CV"},
		{"acme", 16, []string{"acme", "T1", "V2"}, "t15-AXTYEMCX"},
		{"acme", 1, []string{"acme", "T1", "V1"}, "t00-DD78J2CV"},
		{"", 16, nil, "t05-M07RFCA8"},
	} {
		if got := NewID('t', c.account, c.shards, c.seeds...); got != c.want {
			t.Errorf("NewID(%q, %d, %q) = %s, want %s", c.account, c.shards, c.seeds, got, c.want)
		}
	}
}

func TestIDsAreReadBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		account, shards := rapid.String().Draw(t, "account"), rapid.IntRange(1, 100).Draw(t, "shards")
		letter := byte(rapid.IntRange('a', 'z').Draw(t, "letter"))
		seeds := rapid.SliceOf(rapid.String()).Draw(t, "seeds")
		id := NewID(letter, account, shards, seeds...)
		l, shard, ok := ParseID(id)
		if !ok || l != letter || shard != ShardOf(account, shards) {
			t.Fatalf("%s was read as %c, %d, %v", id, l, shard, ok)
		}
		if strings.ContainsAny(id[4:], "ILOU") {
			t.Fatalf("%s holds a letter that is easily misread", id)
		}
		if again := NewID(letter, account, shards, seeds...); again != id {
			t.Fatalf("the same seeds gave %s and %s", id, again)
		}
	})
}

// Joining seeds must not let two different lists meet: a team and a view are told apart.
func TestSeedsAreKeptApart(t *testing.T) {
	if NewID('t', "acme", 16, "ab", "c") == NewID('t', "acme", 16, "a", "bc") {
		t.Error("ab+c and a+bc give the same ID")
	}
	seen := map[string]string{}
	for i := range 20_000 {
		id := NewID('t', "acme", 16, fmt.Sprint("V", i))
		if other := seen[id]; other != "" {
			t.Fatalf("V%d and %s give the same ID", i, other)
		}
		seen[id] = fmt.Sprint("V", i)
	}
}

func TestShardsAreInRangeAndUsed(t *testing.T) {
	for _, shards := range []int{-3, 0, 1} {
		if got := ShardOf("acme", shards); got != 0 {
			t.Errorf("%d shards: %d", shards, got)
		}
	}
	used := map[int]bool{}
	for i := range 1000 {
		s := ShardOf(fmt.Sprint("account-", i), 16)
		if s < 0 || s > 15 {
			t.Fatalf("shard %d of 16", s)
		}
		used[s] = true
	}
	if len(used) != 16 {
		t.Errorf("only %d of 16 shards are used", len(used))
	}
}

func TestParseIDTakesNothingElse(t *testing.T) {
	for _, id := range []string{"", "t", "t07", "t07-", "t07-A", "T07-7KQ2M9XA", "t7-7KQ2M9XA", "t0a-7KQ2M9XA",
		"t07_7KQ2M9XA", "t07-7KQ2 9XA", "t07-7KQ2M9XA}", "t07-{7KQ2M9}",
		"t07-7KQ2\n9XA", "t07-Ünïcode", "t07-" + strings.Repeat("A", 61), "../t07-7KQ2M9XA", "t07:7KQ2M9XA",
		" t07-7KQ2M9XA", "t-1-7KQ2M9XA"} {
		if _, _, ok := ParseID(id); ok {
			t.Errorf("%q was taken for an ID", id)
		}
	}
	for _, id := range []string{"t07-7KQ2M9XA", "r03-acme-2026q4", "t99-00", "a00-a-b"} {
		if _, _, ok := ParseID(id); !ok {
			t.Errorf("%q was not taken", id)
		}
	}
}

func FuzzParseID(f *testing.F) {
	f.Add("t07-7KQ2M9XA")
	f.Add("\xff\x00")
	f.Fuzz(func(t *testing.T, id string) {
		letter, shard, ok := ParseID(id)
		if !ok {
			if letter != 0 || shard != 0 {
				t.Fatalf("%q: refused, yet %c %d", id, letter, shard)
			}
			return
		}
		if shard < 0 || shard > 99 || letter < 'a' || letter > 'z' || !utf8.ValidString(id) || len(id) > 64 ||
			strings.ContainsAny(id, "{}:/ \n*") {
			t.Fatalf("%q was taken as %c, %d", id, letter, shard)
		}
	})
}
