package integrator

import (
	"context"
	"net/http"
	"net/url"

	"github.com/keyholder/keyholder/workflows"
)

// noCapabilities is what an account without a working token can do.
func noCapabilities() workflows.Capabilities {
	no := workflows.No
	return workflows.Capabilities{Token: no, ReadUsers: no, ReadTransfers: no, ChangeUsers: no, Start: no}
}

func unknownCapabilities() workflows.Capabilities {
	un := workflows.Unknown
	return workflows.Capabilities{Token: un, ReadUsers: un, ReadTransfers: un, ChangeUsers: un, Start: un}
}

// capabilities concludes from what was read. Writing is never tried, so it is at best Unknown; it
// is No where even reading is refused, because every write reads first.
//
// An empty answer (204) for users proves nothing: Unknown. For transfers it is the usual answer of
// an account that has none, so it counts when the same token was shown the users.
func capabilities(token, users, transfers workflows.Can) workflows.Capabilities {
	c := unknownCapabilities()
	c.Token, c.ReadUsers, c.ReadTransfers = token, users, transfers
	if users == workflows.Yes || transfers == workflows.Yes {
		c.Token = workflows.Yes
	}
	if users == workflows.Yes && transfers == workflows.Unknown {
		c.ReadTransfers = workflows.Yes
	}
	if users == workflows.No {
		c.ChangeUsers = workflows.No
	}
	if transfers == workflows.No {
		c.Start = workflows.No
	}
	return c
}

// tokenKnown reads tokenInfo's outcome. 403 and 404 say nothing against the token.
func tokenKnown(err error) workflows.Can {
	if err == nil || status(err) == http.StatusForbidden {
		return workflows.Yes
	}
	return workflows.Unknown
}

// canRead reads a list's outcome: shown is Yes, refused is No, an empty answer is Unknown.
func canRead(shown bool, err error) workflows.Can {
	switch {
	case err != nil:
		return workflows.No
	case shown:
		return workflows.Yes
	}
	return workflows.Unknown
}

// Probe looks at what a token can do and never writes: tokenInfo, then one row each of users and
// transfers. What only writing could show stays Unknown. Without a token all is No and there is no
// error. Errors: an *APIError with status 401 when integrator.io does not know the token (all is
// No), another one or [workflows.ErrAway] when it could not be asked.
func (g *Gateway) Probe(ctx context.Context, account, environment string) (workflows.Capabilities, Identity, error) {
	s, ok := g.session(account, environment, workflows.Claim{}, nil)
	if !ok {
		return noCapabilities(), Identity{}, nil
	}
	if s.acct.bad != nil {
		return unknownCapabilities(), Identity{}, s.acct.bad
	}
	id, err := s.identity(ctx)
	switch {
	case status(err) == http.StatusUnauthorized:
		return noCapabilities(), id, err
	case err != nil && !refusedForGood(err):
		return unknownCapabilities(), id, err
	}
	token := tokenKnown(err)
	users, err := s.peek(ctx, "/v1/ashares")
	if err != nil {
		return unknownCapabilities(), id, err
	}
	transfers, err := s.peek(ctx, "/v1/transfers")
	if err != nil {
		return unknownCapabilities(), id, err
	}
	return capabilities(token, users, transfers), id, nil
}

// peek reads the first row of a list, which is all that is needed to know whether it is shown.
func (s *session) peek(ctx context.Context, path string) (workflows.Can, error) {
	a, err := s.get(ctx, path+"?"+url.Values{"limit": {"1"}}.Encode())
	shown := false
	if err == nil {
		_, shown, err = decodeRows(a)
	}
	if err != nil && !refusedForGood(err) {
		return workflows.Unknown, err
	}
	return canRead(shown, err), nil
}
