package evidence

import (
	"encoding/json"
	"fmt"
	"html/template"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/keyholder/keyholder/workflows"
	"github.com/keyholder/keyholder/workflows/review"
)

// The page is printed: its columns are fixed, no address or date is parted at a line's end, and IDs
// are for screens and programs, which the style of the page says where this file says which they are.

// Breadths of the column of addresses, in digits. An address that is broader than the widest runs
// across its row, above the other columns.
const (
	narrowest = 16
	widest    = 28
)

// breadth is how broad a text is at most in the fonts of screens and printers, in digits of the same font.
func breadth(s string) int {
	tenths := 0
	for _, r := range s {
		switch {
		case r == '@':
			tenths += 19
		case strings.ContainsRune("mwMW%", r):
			tenths += 16
		case strings.ContainsRune("ijlI.,:;'|()", r):
			tenths += 6
		case r > 0x1100: // the scripts of East Asia, and pictures
			tenths += 20
		case r >= 'A' && r <= 'Z', r > 0x7f:
			tenths += 13
		default:
			tenths += 10
		}
	}
	return (tenths + 9) / 10
}

// funcs are what the page's template calls: whole keeps addresses and dates in one piece; who does that,
// too, and marks the IDs of workflows, and of people whose name tells them apart; long reports whether an
// address has no room in its column.
func (d *dossier) funcs() template.FuncMap {
	return template.FuncMap{
		"whole": func(s string) template.HTML { return marked(s, wholePattern, keep) },
		"who": func(s string) template.HTML {
			return marked(s, whoPattern, func(found string) string {
				switch id := strings.Trim(found, " ()"); {
				case strings.HasPrefix(found, ", by "):
					return offPaper(found)
				case id == found:
					return keep(found)
				case d.alone(id):
					return offPaper(found)
				}
				return template.HTMLEscapeString(found)
			})
		},
		"long": func(addresses ...string) bool {
			return slices.ContainsFunc(addresses, func(a string) bool { return breadth(a) > widest })
		},
	}
}

var (
	wholePattern = regexp.MustCompile(`[^\s@<>()]+@[^\s@<>()]+|\d{4}-\d\d-\d\d`)
	whoPattern   = regexp.MustCompile(wholePattern.String() + `| \([UW][A-Z0-9_]{2,}\)|, by [a-z]\d\d-[A-Z0-9]{4,}`)
)

// marked is a text as HTML, with what a pattern finds wrapped.
func marked(s string, pattern *regexp.Regexp, wrap func(found string) string) template.HTML {
	var b strings.Builder
	last := 0
	for _, at := range pattern.FindAllStringIndex(s, -1) {
		b.WriteString(template.HTMLEscapeString(s[last:at[0]]))
		b.WriteString(wrap(s[at[0]:at[1]]))
		last = at[1]
	}
	b.WriteString(template.HTMLEscapeString(s[last:]))
	return template.HTML(b.String()) // each part is escaped above
}

// keep holds an address or a date in one piece, as long as it fits on a line.
func keep(found string) string {
	return `<span class="whole">` + template.HTMLEscapeString(found) + `</span>`
}

// offPaper marks an ID.
func offPaper(found string) string {
	return `<span class="id">` + template.HTMLEscapeString(found) + `</span>`
}

// alone reports whether nobody else has the name of a person, who then needs no ID beside it.
func (d *dossier) alone(id string) bool {
	n := 0
	for _, name := range d.names {
		if strings.TrimSpace(name) == strings.TrimSpace(d.names[id]) {
			n++
		}
	}
	return n == 1
}

// addressWidth is how broad the columns of addresses are: the same in each table.
func (d *dossier) addressWidth() int {
	n := narrowest
	for _, x := range d.exhibits {
		for _, address := range []string{x.Email, x.Was} {
			if b := breadth(address); b <= widest {
				n = max(n, b)
			}
		}
	}
	return n
}

// foot stands at the foot of each printed page: what it is of, who exported it, and with what.
func (d *dossier) foot() template.CSS {
	by := d.MadeBy
	for id := range d.names {
		by = strings.Replace(by, " ("+id+")", "", 1)
	}
	return quoted(workflows.Clip(fmt.Sprintf("%s, exported %s%s · Keyholder %s", d.Campaign.ID, reportTime(d.Made),
		byWhom(by), d.Version), 110))
}

// quoted is a text as a style sheet has it between quotes: a name may hold what would end them.
func quoted(s string) template.CSS {
	var b strings.Builder
	for _, r := range s {
		if r == ' ' || r == ',' || r == '.' || r == '-' || unicode.IsLetter(r) || unicode.IsDigit(r) {
			b.WriteRune(r)
		} else {
			fmt.Fprintf(&b, `\%06x `, r) // the space ends the number, and is no part of the text
		}
	}
	return template.CSS(`"` + b.String() + `"`) // each rune is a letter, a digit, a space or escaped
}

// reportProofs tell of each signature before which somebody showed who they are, by what: the event
// of the signature has it.
func (d *dossier) reportProofs() []reportFact {
	var all []reportFact
	for _, p := range d.Packets {
		if p.Signed == nil || !p.Signed.Proven {
			continue
		}
		text := workflows.WithProof + "; what it was is not in the record any more"
		if proof := d.proofOf(p); proof != nil {
			text = proofWords(*proof)
		}
		all = append(all, reportFact{fmt.Sprintf("Packet %d, %s", p.Number, d.who(p.Signed.By)), text})
	}
	return all
}

// proofOf is what the event of a signature says of its proof; nil where it was erased.
func (d *dossier) proofOf(p review.PacketState) *workflows.StepUp {
	for _, c := range d.Chains {
		if c.ID != p.ID {
			continue
		}
		for _, l := range c.Links {
			var e struct {
				By workflows.Actor `json:"by"`
			}
			if l.Type == evPacketSigned && !l.Erased && json.Unmarshal(l.Body, &e) == nil && e.By.StepUp != nil {
				return e.By.StepUp
			}
		}
	}
	return nil
}

// evPacketSigned is the event of a signature.
const evPacketSigned = "packet.signed"

// proofWords say by whom, how and when somebody showed who they are, in the provider's own words.
func proofWords(s workflows.StepUp) string {
	text := s.Said()
	if s.Issuer != workflows.ByCode {
		text += " at " + s.Issuer
		how := "which does not say how"
		if len(s.Methods) > 0 {
			how = "amr " + strings.Join(s.Methods, " ")
		}
		if s.Class != "" {
			how = strings.TrimPrefix(how+", acr "+s.Class, "which does not say how, ")
		}
		text += " (" + how + ")"
	}
	if !s.AuthTime.IsZero() {
		text += ", " + reportTime(s.AuthTime)
	}
	return text
}
