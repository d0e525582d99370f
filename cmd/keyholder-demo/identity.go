package main

import (
	"fmt"
	"net"
	"strings"

	"github.com/keyholder/keyholder/bot/stepup/idpsim"
)

// shownClicks are those that a demo with proofs asks for: the votes that move the master key or make an
// administrator, and what leads around them.
var shownClicks = []string{"transfer.confirm", "recovery.approve", "access.approve:administrator", "delegate"}

const identityClient = "keyholder"

// identify gives the demo an identity provider, at an address of its own: it is another company's page. Its
// clock is the real one, as that of every protocol here.
func (d *demo) identify(listen string) error {
	var err error
	if d.identityListener, err = net.Listen("tcp", listen); err != nil {
		return fmt.Errorf("listen for the identity provider: %w", err)
	}
	o := idpsim.Options{Issuer: "http://" + d.identityListener.Addr().String(), ClientID: identityClient}
	for _, u := range people() {
		if u.Email != "" {
			o.People = append(o.People, idpsim.Person{Name: u.RealName, Email: u.Email})
		}
	}
	d.identity = idpsim.New(o)
	return nil
}

// proving is the configuration with the clicks that ask for a proof.
func (d *demo) proving(text string) string {
	if d.identity == nil {
		return text
	}
	const admins = "    admins: [U0DEE]\n"
	text = strings.Replace(text, admins, admins+"    step_up: ["+strings.Join(shownClicks, ", ")+"]\n", 1)
	issuer := "http://" + d.identityListener.Addr().String()
	return text + fmt.Sprintf("step_up: {issuer: %q, client_id: %s}\n", issuer, identityClient)
}
