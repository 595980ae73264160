/* A list of what is wrong or doubtful about data. */
#ifndef FTL_FINDINGS_H
#define FTL_FINDINGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "frozentl.h"

typedef enum {
  FTL_FINDING_EMPTY,         /* a set without structures */
  FTL_FINDING_ELEMENT,       /* atoms of elements that the model lacks; count: structures */
  FTL_FINDING_UNLABELLED,    /* no structure of a set has a label that the loss weighs; count: structures */
  FTL_FINDING_PARTIAL,       /* some structures have it and others do not; count: those that do not */
  FTL_FINDING_NO_VOLUME,     /* stress labels that were left out; count: structures */
  FTL_FINDING_DROPPED,       /* structures left out for absurd forces; count: structures */
  FTL_FINDING_DUPLICATE,     /* the same structure in two sets, or twice in one; count: structures of the second set */
  FTL_FINDING_RELABELLED,    /* the same structure with other labels; count: as above */
  FTL_FINDING_CONFIG,        /* a config_type with a weight that no structure has; count 0 */
  FTL_FINDING_WEIGHT,        /* structures with weight 0; count: structures */
  FTL_FINDING_ISOLATED,      /* "isolated" by its config_type, and not alone; count: structures */
  FTL_FINDING_ATOM_ENERGIES, /* energies of single atoms that do not belong to the others; count: elements */
  FTL_FINDING_ZERO_FORCES,   /* forces that are zero though symmetry does not ask for it; count: structures */
  FTL_FINDING_NET_FORCE,     /* forces that do not add up to zero; count: structures */
  FTL_FINDING_FORCE_UNIT,    /* forces in another unit or of the other sign; count: structures */
  FTL_FINDING_STRESS_SIZE,   /* more than any matter has; count: structures */
  FTL_FINDING_STRESS_UNIT,   /* stress in another unit, of the other sign or order; count: structures */
  FTL_FINDING_STRESS_VIRIAL, /* stress and virial of a frame that contradict each other; count: structures */
  FTL_FINDING_ENERGY_FAR,    /* energies far from those of the other structures; count: structures */
  FTL_FINDING_ENERGY_UNIT,   /* energies in another unit, or per atom; count: structures */
  FTL_FINDING_E0,            /* energies from another zero than the model's; count: structures */
  FTL_FINDING_CLOSE,         /* atoms too close, or all distances too long; count: structures */
} ftl_finding_kind;

typedef struct {
  ftl_finding_kind kind;
  bool fatal;      /* training makes no sense */
  bool acceptable; /* fatal, unless the user accepts it: ftl_findings_accept */
  int64_t count;
  char text[440]; /* a sentence; the worst place as FILE, line, frame; what to do */
} ftl_finding;

/* In the order: by set, then between sets. Owned; zero-initialise. */
typedef struct {
  int n;
  size_t room;
  ftl_finding *finding;
} ftl_findings;

/* What is not fatal: a remark that is printed. Refused: fatal unless accepted. Fatal: whatever the user says. */
typedef enum { FTL_REMARK, FTL_REFUSE, FTL_FATAL } ftl_severity;

/* FTL_ERR_MEMORY. */
ftl_status ftl_findings_add(ftl_findings *findings, ftl_finding_kind kind, ftl_severity severity, int64_t count,
                            ftl_error *error, const char *format, ...) __attribute__((format(printf, 6, 7)));
bool ftl_findings_have(const ftl_findings *findings, ftl_finding_kind kind);
/* The first fatal finding, or NULL. */
const ftl_finding *ftl_findings_fatal(const ftl_findings *findings);
/* Those that the user may accept become remarks. */
void ftl_findings_accept(ftl_findings *findings);
/* Prints all of the list from `first` on by warn(context, text), but the fatal one that it fails with: FTL_ERR_INPUT,
   FTL_OK when there is none. One that can't be accepted is told alone. `hint` (or "") is added to the message of a
   fatal one that may be accepted. */
ftl_status ftl_findings_tell(const ftl_findings *findings, int first, void (*warn)(void *context, const char *text),
                             void *context, const char *hint, ftl_error *error);
void ftl_findings_free(ftl_findings *findings);

#endif
