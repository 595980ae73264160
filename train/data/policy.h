/* What is done about data that cannot be right: values of options that several commands have (data/data_options.h). */
#ifndef FTL_POLICY_H
#define FTL_POLICY_H

enum { FTL_FORCES_REFUSE, FTL_FORCES_DROP, FTL_N_FORCES }; /* large_forces */
enum { FTL_CHECKS_REFUSE, FTL_CHECKS_WARN, FTL_N_CHECKS }; /* checks */

#endif
