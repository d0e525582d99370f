// Package integratorsim is a Celigo integrator.io that runs locally: the account-administration part of its REST API.
package integratorsim
