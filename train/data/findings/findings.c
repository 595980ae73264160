#include "data/findings/findings.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/xyz_internal.h"
#include "base/array.h"
#include "base/error.h"

ftl_status ftl_findings_add(ftl_findings *findings, ftl_finding_kind kind, ftl_severity severity, int64_t count,
                            ftl_error *error, const char *format, ...) {
  ftl_status status = FTL_GROW(findings->finding, findings->room, (size_t)findings->n + 1, "findings", error);
  FTL_TRY(status);
  ftl_finding *finding = &findings->finding[findings->n++];
  *finding = (ftl_finding){
      .kind = kind, .fatal = severity != FTL_REMARK, .acceptable = severity == FTL_REFUSE, .count = count};
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(finding->text, sizeof finding->text, format, arguments);
  va_end(arguments);
  return FTL_OK;
}

bool ftl_findings_have(const ftl_findings *findings, ftl_finding_kind kind) {
  for (int k = 0; k < findings->n; k++)
    if (findings->finding[k].kind == kind) return true;
  return false;
}

const ftl_finding *ftl_findings_fatal(const ftl_findings *findings) {
  for (int k = 0; k < findings->n; k++)
    if (findings->finding[k].fatal) return &findings->finding[k];
  return NULL;
}

void ftl_findings_accept(ftl_findings *findings) {
  for (int k = 0; k < findings->n; k++)
    if (findings->finding[k].acceptable) findings->finding[k].fatal = findings->finding[k].acceptable = false;
}

ftl_status ftl_findings_tell(const ftl_findings *findings, int first, void (*warn)(void *context, const char *text),
                             void *context, const char *hint, ftl_error *error) {
  const ftl_finding *fatal = NULL;
  for (int k = first; k < findings->n; k++) {
    const ftl_finding *finding = &findings->finding[k];
    /* one that can't be accepted comes before those that can: the hint would not help */
    if (finding->fatal && (!fatal || (fatal->acceptable && !finding->acceptable))) fatal = finding;
  }
  /* beside what ends the run whatever the user says, the rest is noise */
  const bool alone = fatal && !fatal->acceptable;
  for (int k = first; k < findings->n && warn && !alone; k++)
    if (&findings->finding[k] != fatal) warn(context, findings->finding[k].text);
  if (!fatal) return FTL_OK;
  return ftl_fail(error, FTL_ERR_INPUT, NULL, "%s%s", fatal->text, fatal->acceptable ? hint : "");
}

void ftl_findings_free(ftl_findings *findings) {
  if (!findings) return;
  free(findings->finding);
  *findings = (ftl_findings){0};
}
