;; Takes the numbers of gRPC messages apart that Envoy keeps as one text, "2,3", when a call is logged.
;; wat2wasm (Debian: wabt) makes messages.wasm of it.
(module
  (import "env" "proxy_get_property" (func $get (param i32 i32 i32 i32) (result i32)))
  (import "env" "proxy_set_property" (func $set (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  ;; At 0: where a value is; at 4: its length.
  (data (i32.const 16) "filter_state\00envoy.filters.http.grpc_stats")
  (data (i32.const 64) "mizzen.asked")
  (data (i32.const 80) "mizzen.answered")
  (data (i32.const 96) "0")
  (func (export "proxy_abi_version_0_2_1"))
  ;; One value at a time, of at most 41 bytes.
  (func (export "proxy_on_memory_allocate") (param i32) (result i32) (i32.const 1024))
  (func (export "proxy_on_context_create") (param i32 i32))
  (func (export "proxy_on_log") (param i32)
    (local $start i32) (local $end i32) (local $comma i32)
    ;; A call that got no answer from a server has no such text.
    (if (call $get (i32.const 16) (i32.const 42) (i32.const 0) (i32.const 4)) (then
      (drop (call $set (i32.const 64) (i32.const 12) (i32.const 96) (i32.const 1)))
      (drop (call $set (i32.const 80) (i32.const 15) (i32.const 96) (i32.const 1)))
      (return)))
    (local.set $start (i32.load (i32.const 0)))
    (local.set $end (i32.add (local.get $start) (i32.load (i32.const 4))))
    (local.set $comma (local.get $start))
    (loop $next
      (if (i32.ge_u (local.get $comma) (local.get $end)) (then (return)))
      (if (i32.ne (i32.load8_u (local.get $comma)) (i32.const 44)) (then
        (local.set $comma (i32.add (local.get $comma) (i32.const 1)))
        (br $next))))
    (drop (call $set (i32.const 64) (i32.const 12)
      (local.get $start) (i32.sub (local.get $comma) (local.get $start))))
    (drop (call $set (i32.const 80) (i32.const 15)
      (i32.add (local.get $comma) (i32.const 1))
      (i32.sub (i32.sub (local.get $end) (local.get $comma)) (i32.const 1))))))
