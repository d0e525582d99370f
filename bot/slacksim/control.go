package slacksim

import "net/http"

func (s *Server) control() http.Handler { return http.NotFoundHandler() }

func page() http.Handler { return http.NotFoundHandler() }
