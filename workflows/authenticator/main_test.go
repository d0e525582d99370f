package authenticator

import (
	"testing"

	"github.com/keyholder/keyholder/workflows/machinetest"
)

func TestMain(m *testing.M) { machinetest.Main(m, 200) }
