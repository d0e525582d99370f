package integrator

import (
	"context"
	"net/http"
)

// Identity is whose token it is. UserID is the account's identity: compare it after a change of owner.
type Identity struct {
	UserID string
	Scope  string // empty where integrator.io does not tell
}

// identity reads tokenInfo.
func (s *session) identity(ctx context.Context) (Identity, error) {
	var out struct {
		UserID string `json:"_userId"`
		Scope  any    `json:"scope"`
	}
	a, err := s.get(ctx, "/v1/tokenInfo")
	if err == nil {
		err = decode(http.MethodGet, a, &out)
	}
	scope, _ := out.Scope.(string)
	return Identity{out.UserID, scope}, err
}
