-- What drizzle's schema can't say: the audit trail only grows. `drizzle-kit generate` leaves this file alone.
CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit
BEGIN
  SELECT RAISE(ABORT, 'The audit trail is append-only');
END;
--> statement-breakpoint
CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit
BEGIN
  SELECT RAISE(ABORT, 'The audit trail is append-only');
END;
