package keyring

import (
	"fmt"
	"strings"
	"testing"
)

func TestSeatsSayWhatEachPersonHoldsAndMayDo(t *testing.T) {
	var got []string
	for _, s := range Seats(known()) {
		key := map[string]string{}
		for part, p := range s.Key {
			key[part] = p.How + p.At.Format(" 2006-01-02")
		}
		got = append(got, strings.Join([]string{s.Person, s.Alias, fmt.Sprint(key), strings.Join(s.May, ", ")}, " | "))
	}
	want(t, "seats", strings.Join(got, "\n"),
		`UANA | celigo@acme.example | map[mailbox:verified 2026-11-23 password: 0001-01-01] | confirm a transfer, approve access, approve a recovery, review
UBEN | celigo@acme.example | map[mailbox: 0001-01-01 second_factor: 0001-01-01] | confirm a transfer, approve access
UEVE | celigo@acme.example | map[password: 0001-01-01 second_factor: 0001-01-01] | administer, approve a recovery, review
UCAT | celigo@acme.example | map[mailbox: 0001-01-01] | confirm a transfer, approve access
UDEE |  | map[] | administer, approve access, approve a recovery, review`)
}
